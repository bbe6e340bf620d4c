// Finds the message by which a recipient already has a file, so that a broker that ended in the middle of publishing
// is repeated without sending to anybody twice, however much later.

import {
  filePayload,
  type Mailbox,
  mailboxToken,
  type MessageIds,
  type MessageLog,
  type RecipientOutcome,
  senderToken,
} from '../messages';
import type { FileRecord } from './file-record';

/** How far the store's clock may be behind ours. */
const clockMarginMs = 600_000;
/** Messages read at once. */
const batch = { messages: 1_000, bytes: 4 * 1024 * 1024 };

export class PublishedFiles {
  constructor(
    private readonly messageLog: Pick<MessageLog, 'read' | 'lastSeq' | 'generation'>,
    private readonly messageIds: MessageIds,
  ) {}

  /**
   * The outcome for a recipient that has the file's message; undefined for one that has not.
   * @throws BrokerError `message-store-unavailable`
   */
  async find(record: FileRecord, recipient: string): Promise<RecipientOutcome | undefined> {
    const { messageLog, messageIds } = this;
    const mailbox: Mailbox = { kind: 'did', identifier: recipient };
    const filter = { topic: record.topicId, sender: senderToken(record.ownerDid) };
    // A read may be answered by a replica that is behind; the leader says how far it has to come.
    const lastSeq = await messageLog.lastSeq(mailbox, filter);
    const fromMs = (record.publishingSinceMs ?? 0) - clockMarginMs;
    let start: { after: number } | { fromMs: number } = { fromMs: Math.max(0, fromMs) };
    let reached = 0;
    while (reached < lastSeq) {
      const { messages, more } = await messageLog.read(mailbox, filter, start, batch);
      for (const { seq, body, keyNumber } of messages) {
        if (!announces(body, record.fileId)) continue;
        const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
        return { recipient, messageId: messageIds.seal(seq, context, keyNumber) };
      }
      const last = messages.at(-1)?.seq;
      if (last !== undefined) {
        reached = last;
        start = { after: last };
      } else if (!more && !(await this.#isLater(mailbox, filter, lastSeq, start))) return undefined;
    }
    return undefined;
  }

  /** Whether the message that the leader has last lies behind the start of a read: then the replica is behind. */
  async #isLater(
    mailbox: Mailbox,
    filter: { topic: string; sender: string },
    lastSeq: number,
    start: { after: number } | { fromMs: number },
  ): Promise<boolean> {
    if ('after' in start) return start.after < lastSeq;
    const newest = await this.messageLog.read(
      mailbox,
      filter,
      { after: lastSeq - 1 },
      { ...batch, messages: 1 },
    );
    return (newest.messages[0]?.timeMs ?? Infinity) >= start.fromMs;
  }
}

function announces(body: Uint8Array, fileId: string): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // Only what names the file is parsed.
  if (!bytes.includes(fileId)) return false;
  const { isFile, payload } = JSON.parse(bytes.toString()) as { isFile: boolean; payload: string };
  return isFile && payload === filePayload(fileId);
}
