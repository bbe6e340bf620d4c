// Key messages: one participant's encrypted key for another, without which the recipient cannot read the message it
// belongs to. A key is visible no later than its message: it is stored before, in the same shard, and a search asks
// the leader how far it has to read. It is never lost when an answer is (see key-cursor.ts).

import { BrokerError } from '../broker-error';
import type { Attempt } from '../idempotency';
import { isDid, type ParticipantDirectory } from '../identity';
import type { Admission, Sender } from './admission';
import { findAttempt } from './find-message';
import { dropRepeated, type KeyCursor, newKeyCursor, noteAnswer } from './key-cursor';
import { type Mailbox, mailboxToken } from './mailbox';
import { bodyFor, type FoundMessage, printShared } from './message-body';
import type { MessageIds } from './message-id';
import type { MessageLog, StoredMessage } from './message-log';
import { maxAnswerBytes } from './gather';
import { readToLast } from './read-to-last';

/** Keys belong to messages, not to topics: they stand under a topic id that no topic has. */
export const keyTopicId = '0'.repeat(24);

const batchMessages = 20_000;
const everything = { topic: null, sender: null } as const;

/** Port: where readers of keys stand. Every method may throw `message-store-unavailable`. */
export interface KeyCursorStore {
  /** Undefined: never read, or so long ago that no key of that time is left. */
  load(
    mailbox: Mailbox,
    clientId: string,
  ): Promise<{ readonly cursor: KeyCursor; readonly revision: number } | undefined>;
  /** @param revision 0: none was loaded. @returns false when somebody was faster, or the answer was lost */
  replace(mailbox: Mailbox, clientId: string, cursor: KeyCursor, revision: number): Promise<boolean>;
}

export interface KeyMessagesDependencies {
  readonly participants: Pick<ParticipantDirectory, 'exists'>;
  readonly admission: Admission;
  readonly messageLog: MessageLog;
  readonly messageIds: MessageIds;
  readonly keyCursors: KeyCursorStore;
  /** The longest class: a key lives as long as any message it may belong to. */
  readonly retentionClass: string;
  /** Server time. Unit: ms. */
  readonly now: () => Promise<number>;
}

export interface NewKey {
  readonly sender: Sender;
  readonly recipient: string;
  readonly clientGatewayMessageId: string;
  readonly payload: string;
  /** Where it may be repeated. */
  readonly attempt?: Attempt | undefined;
}

export class KeyMessages {
  constructor(private readonly dependencies: KeyMessagesDependencies) {}

  /**
   * Stores a key for its recipient. @returns its message id
   * @throws BrokerError `recipient-not-found`; `illegal-argument` when the recipient's channels refuse the sender;
   *   `message-store-unavailable`, `message-store-full`
   */
  async send({ sender, recipient, clientGatewayMessageId, payload, attempt }: NewKey): Promise<string> {
    const { participants, admission, messageLog, messageIds, retentionClass } = this.dependencies;
    if (!isDid(recipient) || !(await participants.exists(recipient))) {
      throw new BrokerError('recipient-not-found', 'The recipient of the key has never logged in.');
    }
    const mailbox = keysMailbox(recipient);
    const subject = { topicId: keyTopicId, senderDid: sender.did };
    const earlier = attempt?.isRepeated && (await findAttempt(messageLog, mailbox, subject, attempt));
    if (earlier) return messageIds.seal(earlier.seq, await this.#sealing(mailbox), earlier.keyNumber);
    if (!(await admission.admits(recipient, sender, undefined))) {
      throw new BrokerError('illegal-argument', 'The recipient’s channels do not admit this sender.');
    }
    const shared = printShared({
      topicId: keyTopicId,
      topicVersion: '',
      signature: '',
      payload,
      senderDid: sender.did,
      payloadEncryption: true,
      isFile: false,
      clientGatewayMessageId,
    });
    const appended = await messageLog.append({
      mailbox,
      ...subject,
      retentionClass,
      keyNumber: messageIds.currentKey,
      transactionId: undefined,
      attempt: attempt?.id,
      body: bodyFor(recipient, shared),
    });
    // Only a transaction id makes duplicates, and a key has none.
    if (appended.outcome === 'duplicate')
      throw new Error('A key without a transaction was called a duplicate.');
    return messageIds.seal(appended.seq, await this.#sealing(mailbox), messageIds.currentKey);
  }

  /**
   * Every key that the reader may not have got yet, oldest first, up to the bytes of an answer: more than was asked
   * for rather than one left behind.
   * @throws BrokerError `message-store-unavailable`
   */
  async search(did: string, clientId: string): Promise<readonly FoundMessage[]> {
    const { keyCursors, messageIds, now } = this.dependencies;
    const mailbox = keysMailbox(did);
    const [sealing, loaded, nowMs] = await Promise.all([
      this.#sealing(mailbox),
      keyCursors.load(mailbox, clientId),
      now(),
    ]);
    // Sequences of a stream that was lost mean nothing in the one that took its place.
    const known =
      loaded?.cursor.generation === sealing.generation ? loaded.cursor : newKeyCursor(sealing.generation);
    const cursor = dropRepeated(known, nowMs);
    const { messages, through } = await this.#readAfter(mailbox, cursor.done);
    const noted = noteAnswer(cursor, through, nowMs);
    // A lost compare-and-set is let be: then these keys are repeated once more than noted.
    if (noted !== known) await keyCursors.replace(mailbox, clientId, noted, loaded?.revision ?? 0);
    return messages
      .filter(({ endsAtMs }) => endsAtMs > nowMs)
      .map(({ seq, timeMs, keyNumber, body }) => ({
        messageId: messageIds.seal(seq, sealing, keyNumber),
        timeMs,
        body,
      }));
  }

  /** All messages after a sequence that the leader has, or as many as fit an answer. */
  async #readAfter(
    mailbox: Mailbox,
    after: number,
  ): Promise<{ readonly messages: readonly StoredMessage[]; readonly through: number }> {
    const { messageLog } = this.dependencies;
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let through = after;
    const room = () => ({ messages: batchMessages, bytes: maxAnswerBytes - bytes });
    for await (const part of readToLast(messageLog, mailbox, everything, { after }, room)) {
      for (const message of part) {
        messages.push(message);
        bytes += message.bytes;
        through = message.seq;
      }
      if (bytes >= maxAnswerBytes) break;
    }
    return { messages, through };
  }

  async #sealing(mailbox: Mailbox) {
    const generation = await this.dependencies.messageLog.generation(mailbox);
    return { mailbox: mailboxToken(mailbox), generation };
  }
}

const keysMailbox = (did: string): Mailbox => ({ kind: 'keys', identifier: did });
