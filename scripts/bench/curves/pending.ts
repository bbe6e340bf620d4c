// What acknowledging a hundred messages costs with more of them pending on the cursor. One request at a time.

import type { Bench, Participant } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { postRequest } from '../http-text';
import type { Curve, Point } from '../suite';

const acknowledged = 100;
const turns = 40;
/** A record grows with the number of messages, not with their size; so many fit an answer of 16 MiB. */
const payloadBytes = 64;

export const pending: Curve = {
  name: 'ack-growth',
  title: `ack of ${acknowledged} among 100 → 20,000 pending`,
  unit: 'pending messages',
  limit: 1.2,
  measure: async (bench) => {
    const sizes = bench.options.quick ? [100, 5_000] : [100, 1_000, 5_000, 20_000];
    const [participant] = await bench.participants('one consumer', 1);
    if (!participant) return [];
    bench.options.progress(`${sizes.at(-1) ?? 0} messages for one mailbox`);
    await fillMailboxes(bench, [participant], sizes.at(-1) ?? 0, payloadBytes);
    const points: Point[] = [];
    for (const size of sizes) {
      bench.options.progress(`ack among ${size}`);
      const requests = await acknowledgements(bench, participant, size);
      const { p50Ms, p99Ms } = await bench.load({
        port: await bench.brokerPort(),
        connections: 1,
        requests,
        until: { timesEach: 1 },
        expect: '"notFound":[]',
      });
      points.push({ size, p50Ms, p99Ms });
    }
    return points;
  },
};

/** Acknowledgements of the oldest messages, on as many cursors as keep about so many pending meanwhile. */
async function acknowledgements(
  bench: Bench,
  participant: Participant,
  size: number,
): Promise<readonly string[]> {
  const perCursor = Math.max(1, Math.round(size / 10 / acknowledged));
  const requests: string[] = [];
  for (let cursor = 0; requests.length < turns; cursor++) {
    const clientId = `bench-${size}-${cursor}`;
    const found = await bench.call<{ messageId: string }[]>('/messages/search', participant, {
      clientId,
      amount: size,
    });
    if (found.length !== size) throw new Error(`A search for ${size} brought ${found.length}.`);
    const ids = found.map(({ messageId }) => messageId);
    for (let turn = 0; turn < perCursor && requests.length < turns; turn++) {
      const messageIds = ids.slice(turn * acknowledged, (turn + 1) * acknowledged);
      requests.push(postRequest('/messages/ack', participant.token, { clientId, messageIds }));
    }
  }
  return requests;
}
