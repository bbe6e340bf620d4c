// The lock between runs on one clone, held by real processes.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const lockModule = resolve(__dirname, '../../../scripts/launcher/lock.mjs');

describe('the lock of a clone', () => {
  let directory: string;
  let lock: string;
  /** A file for each process that has said that it waits, or is inside. */
  let announced: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'broker-lock-'));
    lock = join(directory, 'lock');
    announced = join(directory, 'announced');
    await mkdir(announced);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** Runs a process that says when it waits, takes the lock and does the work; the exit code. */
  const holder = (work: string) =>
    new Promise<number | null>((ended) => {
      const code = `
        import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
        import { join } from 'node:path';
        import { setTimeout as delay } from 'node:timers/promises';
        import { withLock } from ${JSON.stringify(lockModule)};
        const note = (line) => appendFileSync(${JSON.stringify(join(directory, 'log'))}, line + '\\n');
        const announced = ${JSON.stringify(announced)};
        const announce = () => writeFileSync(join(announced, String(process.pid)), '');
        const othersWait = async (count) => {
          const others = () => readdirSync(announced).filter((pid) => pid !== String(process.pid));
          while (others().length < count) await delay(10);
        };
        await withLock(${JSON.stringify(lock)}, announce, async () => { announce(); ${work} });
      `;
      spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' }).once(
        'exit',
        ended,
      );
    });

  it('lets one process in at a time', async () => {
    // The first stays inside until all others have come and found it there.
    const work = "note('in'); await othersWait(4); note('out');";
    expect(await Promise.all(Array.from({ length: 5 }, () => holder(work)))).toEqual([0, 0, 0, 0, 0]);
    expect((await readFile(join(directory, 'log'), 'utf8')).trim().split('\n').join(' ')).toBe(
      Array.from({ length: 5 }, () => 'in out').join(' '),
    );
    expect(existsSync(lock)).toBe(false);
  }, 30_000);

  it('is taken over from a process that was killed, by one of several', async () => {
    await holder("process.kill(process.pid, 'SIGKILL');");
    expect(existsSync(lock)).toBe(true);
    const work = "note('in'); await othersWait(2); note('out');";
    await Promise.all([holder(work), holder(work), holder(work)]);
    expect(await readFile(join(directory, 'log'), 'utf8')).toBe('in\nout\nin\nout\nin\nout\n');
  }, 30_000);

  it('is taken over from an owner on another machine that has been silent for a minute', async () => {
    await mkdir(lock);
    await writeFile(join(lock, 'owner'), JSON.stringify({ host: `not-${hostname()}`, pid: process.pid }));
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(lock, longAgo, longAgo);
    expect(await holder("note('in');")).toBe(0);
  }, 30_000);
});
