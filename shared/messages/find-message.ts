// Looks for a message that may have been stored before: at a repetition, however much later, before anything is
// stored again.

import type { Attempt } from '../idempotency';
import { type Mailbox, senderToken } from './mailbox';
import type { LogFilter, LogStart, MessageLog, StoredMessage } from './message-log';

/** How far the store's clock may be behind the one that noted the instant. */
const clockMarginMs = 600_000;
/** Messages read at once. */
const batch = { messages: 1_000, bytes: 4 * 1024 * 1024 };

/**
 * The first message of a mailbox, stored since an instant, that `matches`; undefined is a fact, also where the replica
 * that is read is behind.
 * @throws BrokerError `message-store-unavailable`
 */
export async function findMessage(
  messageLog: Pick<MessageLog, 'read' | 'lastSeq'>,
  mailbox: Mailbox,
  filter: LogFilter,
  sinceMs: number,
  matches: (message: StoredMessage) => boolean,
): Promise<StoredMessage | undefined> {
  // A read may be answered by a replica that is behind; the leader says how far it has to come.
  const lastSeq = await messageLog.lastSeq(mailbox, filter);
  const fromMs = Math.max(0, sinceMs - clockMarginMs);
  let start: LogStart = { fromMs };
  let reached = 0;
  while (reached < lastSeq) {
    const { messages, more } = await messageLog.read(mailbox, filter, start, batch);
    const found = messages.find(matches);
    if (found) return found;
    const last = messages.at(-1)?.seq;
    if (last !== undefined) {
      reached = last;
      start = { after: last };
    } else if (!more && !(await isLater(messageLog, mailbox, filter, lastSeq, start))) return undefined;
  }
  return undefined;
}

/** The message that an attempt has stored in a mailbox. @throws BrokerError `message-store-unavailable` */
export function findAttempt(
  messageLog: Pick<MessageLog, 'read' | 'lastSeq'>,
  mailbox: Mailbox,
  { topicId, senderDid }: { readonly topicId: string; readonly senderDid: string },
  { id, sinceMs }: Attempt,
): Promise<StoredMessage | undefined> {
  const filter = { topic: topicId, sender: senderToken(senderDid) };
  return findMessage(messageLog, mailbox, filter, sinceMs, ({ attempt }) => attempt === id);
}

/** Whether the message that the leader has last lies behind the start of a read: then the replica is behind. */
async function isLater(
  messageLog: Pick<MessageLog, 'read'>,
  mailbox: Mailbox,
  filter: LogFilter,
  lastSeq: number,
  start: LogStart,
): Promise<boolean> {
  if ('after' in start) return start.after < lastSeq;
  const newest = await messageLog.read(mailbox, filter, { after: lastSeq - 1 }, { ...batch, messages: 1 });
  return (newest.messages[0]?.timeMs ?? Infinity) >= start.fromMs;
}
