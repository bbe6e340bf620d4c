// A batch: messages of one sender that are checked and sent together, each for itself. Those that a recipient gets on
// one topic are stored in the order of the batch.

import { mapConcurrently } from '../map-concurrently';
import type { RecipientOutcome } from './delivery';
import type { PreparedMessage } from './publish';

/** Messages of one batch that are checked, and then sent, at once. */
const concurrentMessages = 32;

export type MessageResult = PromiseSettledResult<readonly RecipientOutcome[]>;

/**
 * What became of each message, in their order. One that fails harms no other.
 * @param preparations check a message each
 */
export async function sendBatch(
  preparations: readonly (() => Promise<PreparedMessage>)[],
): Promise<readonly MessageResult[]> {
  const prepared = await mapConcurrently(preparations, concurrentMessages, (prepare) => settled(prepare));
  /** The last message on its way, by topic and recipient. */
  const lastOf = new Map<string, Promise<unknown>>();
  return mapConcurrently(prepared, concurrentMessages, async (message) => {
    if (message.status === 'rejected') return message;
    const { topicId, recipients, send } = message.value;
    const lanes = new Set(recipients.map((recipient) => `${topicId} ${recipient}`));
    const before = new Set([...lanes].flatMap((lane) => lastOf.get(lane) ?? []));
    const sending = settled(async () => {
      await Promise.all(before);
      return send();
    });
    for (const lane of lanes) lastOf.set(lane, sending);
    return sending;
  });
}

async function settled<Value>(work: () => Promise<Value>): Promise<PromiseSettledResult<Value>> {
  try {
    return { status: 'fulfilled', value: await work() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}
