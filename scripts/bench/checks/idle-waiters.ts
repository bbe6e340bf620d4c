// What a thousand receives cost that wait and hear nothing: memory and CPU time of the broker and of nats-server, on
// a thousand mailboxes and on one. Read from /proc, so on Linux only.

import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Participant } from '../bench';
import { usageOf } from '../process-usage';
import type { Check, Fact } from '../suite';

const waiterCount = 1_000;

export const idleWaiters: Check = {
  name: 'idle-waiters',
  measure: async (bench) => {
    const facts: Fact[] = [];
    for (const mailboxes of [waiterCount, 1]) {
      const readers = await bench.participants(`idle of ${mailboxes}`, mailboxes);
      facts.push(...(await measure(bench, readers)));
    }
    return facts;
  },
};

async function measure(bench: Bench, readers: readonly Participant[]): Promise<readonly Fact[]> {
  const seconds = bench.options.quick ? 3 : 15;
  const broker = (await bench.broker()).pid;
  // Once round, so that what an instance remembers of each is there.
  await waitAll(bench, readers, 0);
  const before = await usageOf(broker);
  const waiting = waitAll(bench, readers, seconds + 10);
  // Until all have read and found nothing.
  await delay(5_000);
  const [begun, natsBegun] = [await usageOf(broker), await usageOf(bench.nats.pid)];
  await delay(seconds * 1_000);
  const [ended, natsEnded] = [await usageOf(broker), await usageOf(bench.nats.pid)];
  await waiting;
  const title = `${waiterCount} waiting receives on ${readers.length} mailboxes`;
  return [
    {
      title: `${title}: memory`,
      value: (ended.residentBytes - before.residentBytes) / 1024 / 1024,
      unit: 'MiB',
      limit: 100,
    },
    {
      title: `${title}: CPU of the broker`,
      value: (ended.cpuMs - begun.cpuMs) / seconds,
      unit: 'ms/s',
      limit: 250,
    },
    {
      title: `${title}: CPU of nats-server`,
      value: (natsEnded.cpuMs - natsBegun.cpuMs) / seconds,
      unit: 'ms/s',
      limit: 250,
    },
  ];
}

async function waitAll(bench: Bench, readers: readonly Participant[], waitSeconds: number): Promise<void> {
  await Promise.all(
    Array.from({ length: waiterCount }, (_none, index) =>
      bench.call('/clients/bench-idle/receive', readers[index % readers.length], { waitSeconds }),
    ),
  );
}
