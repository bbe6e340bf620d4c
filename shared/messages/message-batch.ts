// A batch: messages of one sender that are checked and sent together, each for itself. Those that a recipient gets on
// one topic are stored in the order of the batch. All of them together have no more recipients than one message may
// have: what a call costs, and how long its answer is, is counted in recipients.

import { invalidParameter } from '../broker-error';
import { mapConcurrently } from '../map-concurrently';
import type { RecipientOutcome } from './delivery';
import { maxRecipients, type Publisher, type PublishRequest } from './publish';

/** Messages of one batch that are checked, and then sent, at once. */
const concurrentMessages = 32;

export type MessageResult = PromiseSettledResult<readonly RecipientOutcome[]>;

type BatchPublisher = Pick<Publisher, 'withHolders' | 'prepare'>;

/**
 * What became of each message, in their order. One that fails harms no other.
 * @param readings give a message each, or throw what is wrong with it
 * @throws BrokerError `invalid-parameters`, before anything is stored, when they have too many recipients in all
 */
export async function sendBatch(
  publisher: BatchPublisher,
  readings: readonly (() => PublishRequest)[],
): Promise<readonly MessageResult[]> {
  const addressed = await address(publisher, readings);
  const prepared = await mapConcurrently(addressed, concurrentMessages, async (message) =>
    message.status === 'rejected' ? message : settled(() => publisher.prepare(message.value)),
  );
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

/** Each message with its roles resolved. Anonymous keys do not count: a message has a handful of them at most. */
async function address(
  publisher: BatchPublisher,
  readings: readonly (() => PublishRequest)[],
): Promise<readonly PromiseSettledResult<PublishRequest>[]> {
  let recipients = 0;
  return mapConcurrently(readings, concurrentMessages, async (read) => {
    const request = await settled(async () => publisher.withHolders(read()));
    if (request.status === 'fulfilled') recipients += new Set(request.value.recipients).size;
    if (recipients <= maxRecipients) return request;
    throw invalidParameter('messages', `may have at most ${maxRecipients} recipients in all`);
  });
}

async function settled<Value>(work: () => Promise<Value>): Promise<PromiseSettledResult<Value>> {
  try {
    return { status: 'fulfilled', value: await work() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}
