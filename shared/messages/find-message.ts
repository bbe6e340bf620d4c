// Looks for a message that may have been stored before: at a repetition, however much later, before anything is
// stored again.

import type { Attempt } from '../idempotency';
import { type Mailbox, senderToken } from './mailbox';
import type { LogFilter, MessageLog, StoredMessage } from './message-log';
import { readToLast } from './read-to-last';

/** How far the store's clock may be behind the one that noted the instant. */
const clockMarginMs = 600_000;
/** Read at once. Few bytes: one publish looks into the mailboxes of many recipients at once. */
const batch = { messages: 1_000, bytes: 256 * 1024 };

/**
 * The first message of a mailbox, stored since an instant, that `matches`; undefined is a fact, also where the replica
 * that is read is behind.
 * @throws BrokerError `message-store-unavailable`
 */
export async function findMessage(
  messageLog: Pick<MessageLog, 'read' | 'lastSeq' | 'at'>,
  mailbox: Mailbox,
  filter: LogFilter,
  sinceMs: number,
  matches: (message: StoredMessage) => boolean,
): Promise<StoredMessage | undefined> {
  const start = { fromMs: Math.max(0, sinceMs - clockMarginMs) };
  for await (const messages of readToLast(messageLog, mailbox, filter, start, () => batch)) {
    const found = messages.find(matches);
    if (found) return found;
  }
  return undefined;
}

/** The message that an attempt has stored in a mailbox. @throws BrokerError `message-store-unavailable` */
export function findAttempt(
  messageLog: Pick<MessageLog, 'read' | 'lastSeq' | 'at'>,
  mailbox: Mailbox,
  { topicId, senderDid }: { readonly topicId: string; readonly senderDid: string },
  { id, sinceMs }: Attempt,
): Promise<StoredMessage | undefined> {
  const filter = { topic: topicId, sender: senderToken(senderDid) };
  return findMessage(messageLog, mailbox, filter, sinceMs, ({ attempt }) => attempt === id);
}
