// What acknowledging a hundred messages costs with more of them pending on the cursor. One request at a time, the
// sizes in turn, so that what else happens on the machine meets them alike.

import type { Bench, Participant } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { postRequest } from '../http-text';
import { median } from '../statistics';
import type { Curve, Point, Sample } from '../suite';

const acknowledged = 100;
/** The first round warms up and does not count. */
const rounds = 9;
const turnsEachRound = 8;
/** A record grows with the number of messages, not with their size; so many fit an answer of 16 MiB. */
const payloadBytes = 64;

export const pending: Curve = {
  name: 'ack-growth',
  title: `ack of ${acknowledged} among 100 → 20,000 pending`,
  unit: 'pending messages',
  limit: 1.2,
  measure: async (bench) => {
    const sizes = bench.options.quick ? [100, 5_000] : [100, 1_000, 5_000, 20_000];
    const largest = sizes.at(-1) ?? 0;
    const [participant] = await bench.participants('one consumer', 1);
    if (!participant) return [];
    bench.options.progress(`${largest} messages for one mailbox`);
    await fillMailboxes(bench, [participant], largest, payloadBytes);
    const measured: { size: number; requests: readonly string[]; samples: Sample[] }[] = [];
    for (const size of sizes) {
      bench.options.progress(`cursors with ${size} pending`);
      measured.push({ size, requests: await acknowledgements(bench, participant, size), samples: [] });
    }
    bench.options.progress('acks of all sizes in turn');
    const port = await bench.brokerPort();
    for (let round = 0; round < rounds; round++) {
      for (const { requests, samples } of measured) {
        const sample = await bench.load({
          port,
          connections: 1,
          requests: requests.slice(round * turnsEachRound, (round + 1) * turnsEachRound),
          until: { timesEach: 1 },
          expect: '"notFound":[]',
        });
        if (round > 0) samples.push(sample);
      }
    }
    return measured.map(({ size, samples }): Point => ({
      size,
      p50Ms: median(samples.map(({ p50Ms }) => p50Ms)),
      p99Ms: Math.max(...samples.map(({ p99Ms }) => p99Ms)),
    }));
  },
};

/** Acknowledgements of the oldest messages, on as many cursors as keep about so many pending meanwhile. */
async function acknowledgements(
  bench: Bench,
  participant: Participant,
  size: number,
): Promise<readonly string[]> {
  const perCursor = Math.max(1, Math.round(size / 5 / acknowledged));
  const requests: string[] = [];
  for (let cursor = 0; requests.length < rounds * turnsEachRound; cursor++) {
    const clientId = `bench-${size}-${cursor}`;
    const found = await bench.call<{ messageId: string }[]>('/messages/search', participant, {
      clientId,
      amount: size,
    });
    if (found.length !== size) throw new Error(`A search for ${size} brought ${found.length}.`);
    const ids = found.map(({ messageId }) => messageId);
    for (let turn = 0; turn < perCursor; turn++) {
      const messageIds = ids.slice(turn * acknowledged, (turn + 1) * acknowledged);
      requests.push(postRequest('/messages/ack', participant.token, { clientId, messageIds }));
    }
  }
  return requests;
}
