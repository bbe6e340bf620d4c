// Finds the message by which a recipient already has a file, so that a broker that ended in the middle of publishing
// is repeated without sending to anybody twice, however much later.

import {
  didMailbox,
  filePayload,
  findMessage,
  mailboxToken,
  type MessageIds,
  type MessageLog,
  type RecipientOutcome,
  senderToken,
} from '../messages';
import type { FileRecord } from './file-record';

export class PublishedFiles {
  constructor(
    private readonly messageLog: Pick<MessageLog, 'read' | 'lastSeq' | 'at' | 'generation'>,
    private readonly messageIds: MessageIds,
  ) {}

  /**
   * The outcome for a recipient that has the file's message; undefined for one that has not.
   * @throws BrokerError `message-store-unavailable`
   */
  async find(record: FileRecord, recipient: string): Promise<RecipientOutcome | undefined> {
    const { messageLog, messageIds } = this;
    const mailbox = didMailbox(recipient);
    const filter = { topic: record.topicId, sender: senderToken(record.ownerDid) };
    const found = await findMessage(messageLog, mailbox, filter, record.publishingSinceMs ?? 0, ({ body }) =>
      announces(body, record.fileId),
    );
    if (!found) return undefined;
    const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
    return { recipient, messageId: messageIds.seal(found.seq, context, found.keyNumber) };
  }
}

function announces(body: Uint8Array, fileId: string): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // Only what names the file is parsed.
  if (!bytes.includes(fileId)) return false;
  const { isFile, payload } = JSON.parse(bytes.toString()) as { isFile: boolean; payload: string };
  return isFile && payload === filePayload(fileId);
}
