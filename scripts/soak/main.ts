// npm run soak: a mixed load at a low rate for a while, and whether the broker's process holds more and more.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLoadWorld } from '../load/world';
import { runCommand } from '../stack/lifetime';
import { positive } from '../stack/number-options';
import { MixedLoad } from './mixed-load';
import { type HeldAt, judge, type SoakVerdict } from './verdict';

const participantCount = 12;
const sampleEveryMs = 5_000;
const megabyte = 1024 ** 2;

runCommand(async (lifetime) => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '15' },
      pause: { type: 'string', default: '400' },
    },
  });
  const minutes = positive('--minutes', values.minutes);
  const world = await startLoadWorld(participantCount);
  lifetime.onStop(world.stack.stop);
  const load = new MixedLoad(world, positive('--pause', values.pause));
  const until = AbortSignal.timeout(minutes * 60_000);
  const running = Promise.all([load.run(until), load.runOccasional(until)]);
  const beganAt = performance.now();
  const held: HeldAt[] = [];
  while (!until.aborted) {
    await delay(sampleEveryMs);
    const atSeconds = (performance.now() - beganAt) / 1_000;
    const now = { ...(await world.stack.holdings()), atSeconds };
    held.push(now);
    if (held.length % 12 === 0) {
      const heap = (now.heapBytes / megabyte).toFixed(1);
      console.error(
        `${atSeconds.toFixed(0).padStart(5)} s  heap ${heap} MiB, ${now.handles} handles, ${now.natsConnections} NATS connections`,
      );
    }
  }
  await running;
  const { done, failures } = load.counts;
  const listed = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([what, count]) => `${count} × ${what}`).join(', ');
  console.log(`done: ${listed(done)}`);
  if (failures.size > 0) console.log(`not done: ${listed(failures)}`);
  const verdict = judge(held);
  const faults = [...verdict.faults, ...(failures.size > 0 ? ['requests failed'] : [])];
  console.log(verdictLine(minutes, verdict, faults));
  if (faults.length > 0) throw new Error('soak: FAILED');
});

function verdictLine(minutes: number, verdict: SoakVerdict, faults: readonly string[]): string {
  const { heap, handles, natsConnections } = verdict;
  const mib = (bytes: number): string => (bytes / megabyte).toFixed(1);
  return [
    `soak: ${minutes} minutes`,
    `heap ${mib(heap.first)} → ${mib(heap.last)} MiB (${mib(heap.least)}–${mib(heap.most)}, ${mib(heap.perHour)} an hour)`,
    `handles ${handles.first} → ${handles.last} (${handles.least}–${handles.most}, ${handles.perHour.toFixed(1)} an hour)`,
    `${natsConnections.last} NATS connections`,
    faults.length === 0 ? 'passed' : `FAILED: ${faults.join(', ')}`,
  ].join('; ');
}
