// What a process uses, as /proc tells it; so on Linux only.

import { readFile } from 'node:fs/promises';

/** Clock ticks of /proc in a second. */
const ticksPerSecond = 100;
const pageBytes = 4_096;

export interface Usage {
  /** User and system together. Unit: ms. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Of a system without /proc nothing is told. */
export const isUsageTold = process.platform === 'linux';

export async function usageOf(pid: number): Promise<Usage> {
  const [stat, memory] = await Promise.all(
    ['stat', 'statm'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
  );
  // The name in parentheses may have blanks in it; the fields are counted behind it (proc(5): utime 14, stime 15).
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return {
    cpuMs: (ticks * 1_000) / ticksPerSecond,
    residentBytes: Number((memory ?? '').split(' ')[1]) * pageBytes,
  };
}
