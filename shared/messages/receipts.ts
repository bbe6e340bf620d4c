// Receipts: what a sender learns of its message's end (design §6). A receipt is a message in the sender's own
// receipts mailbox, whose identifier is the sender's token: the timer knows no more of a sender than that.

import { BrokerError, invalidParameter } from '../broker-error';
import type { AnonymousMailboxes } from './anonymous-mailboxes';
import type { MailboxOptionsStore } from './mailbox-options';
import { didMailbox, type Mailbox, mailboxToken, senderToken } from './mailbox';
import type { MessageIds } from './message-id';
import type { MessageLog, StoredMessage } from './message-log';

export type ReceiptOutcome =
  /** Its time came, and no client id that existed then had acknowledged it. */
  | 'expired'
  /** One of the recipient's client ids has; told where the recipient has opted in, like the next. */
  | 'acknowledged'
  | 'rejected';

/** What a sender may know of a message: the first two always, the others where the recipient has opted in. */
export const messageStatuses = ['stored', 'expired', 'delivered', 'acknowledged', 'rejected'] as const;
export type MessageStatus = (typeof messageStatuses)[number];

export interface Receipt {
  readonly messageId: string;
  /** The recipient as the sender named it. */
  readonly recipient: string;
  readonly outcome: ReceiptOutcome;
  /** Of a rejection: what its recipient gave. */
  readonly reason?: string | undefined;
  /** Instant of the outcome, ISO-8601. */
  readonly at: string;
}

/** Port: receipts, each stored at most once, in the order in which they were written. */
export interface ReceiptLog {
  /** Writes a receipt; one that is there already is left as it is. */
  write(sender: string, receipt: Receipt): Promise<void>;
  /** Receipts after a sequence, oldest first. */
  read(
    sender: string,
    after: number,
    max: number,
  ): Promise<readonly { readonly seq: number; readonly receipt: Receipt }[]>;
  /** Whether the sender was told this of a message. */
  has(sender: string, messageId: string, outcome: ReceiptOutcome): Promise<boolean>;
}

/** Port: what the cursors of a mailbox say of a message. */
export interface DeliveryRecord {
  /** Whether one of them has it pending, or is done with it. */
  isDelivered(mailbox: Mailbox, message: StoredMessage): Promise<boolean>;
}

export function receiptsMailbox(sender: string): Mailbox {
  return { kind: 'receipts', identifier: sender };
}

/** What an expiry receipt is made of. */
export interface ExpiredMessage {
  readonly seq: number;
  /** Mailbox token. */
  readonly mailbox: string;
  readonly generation: number;
  /** Sender's token: the receipt's reader. */
  readonly sender: string;
  readonly keyNumber: number;
  readonly recipient: string | undefined;
  readonly endsAtMs: number;
}

/** Tells the sender of a message that nobody had acknowledged it when its time came. */
export function tellExpired(log: ReceiptLog, messageIds: MessageIds, message: ExpiredMessage): Promise<void> {
  const { seq, sender, keyNumber, recipient = '', endsAtMs } = message;
  return log.write(sender, {
    messageId: messageIds.seal(seq, message, keyNumber),
    recipient,
    outcome: 'expired',
    at: new Date(endsAtMs).toISOString(),
  });
}

/** Receipts of one answer at most. */
export const maxReceipts = 1_000;

export interface ReceiptsDependencies {
  readonly receiptLog: ReceiptLog;
  readonly deliveryRecord: DeliveryRecord;
  readonly mailboxOptions: Pick<MailboxOptionsStore, 'tellsSenders'>;
  readonly messageLog: Pick<MessageLog, 'generation' | 'at'>;
  readonly messageIds: MessageIds;
  readonly anonymousMailboxes: Pick<AnonymousMailboxes, 'find' | 'owns'>;
  /** Server time. Unit: ms. */
  readonly now: () => Promise<number>;
}

export class Receipts {
  constructor(private readonly dependencies: ReceiptsDependencies) {}

  /**
   * Receipts of one sender, oldest first, and the position behind the last one: always a text, so that a poll can go
   * on with it also from an empty page.
   * @throws BrokerError `invalid-parameters` for a position that was never handed out to this sender
   */
  async read(
    did: string,
    after: string | undefined,
  ): Promise<{ receipts: readonly Receipt[]; next: string }> {
    const { receiptLog, messageLog, messageIds } = this.dependencies;
    const sender = senderToken(did);
    const mailbox = receiptsMailbox(sender);
    const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
    const position = after === undefined || after === '' ? 0 : messageIds.open(after, context);
    if (position === undefined) {
      throw invalidParameter('after', 'is no position of yours; begin without it');
    }
    const found = await receiptLog.read(sender, position, maxReceipts);
    return {
      receipts: found.map(({ receipt }) => receipt),
      next: messageIds.seal(found.at(-1)?.seq ?? position, context, messageIds.currentKey),
    };
  }

  /**
   * What the sender of a message may know of it. What was acknowledged or rejected stays so when its time has come.
   * @throws BrokerError `not-found` for whoever is not its sender
   */
  async status(did: string, messageId: string, recipient: string): Promise<MessageStatus> {
    const { receiptLog, deliveryRecord, anonymousMailboxes, messageLog, messageIds, now } = this.dependencies;
    const mailbox = await this.#mailboxOf(recipient);
    if (!mailbox) throw unknownMessage();
    const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
    const seq = messageIds.open(messageId, context);
    if (seq === undefined) throw unknownMessage();
    const sender = senderToken(did);
    const stored = await messageLog.at(mailbox, seq);
    if (stored && stored.sender !== sender) throw unknownMessage();
    const told = await this.#toldOf(mailbox, sender, messageId);
    if (told === 'acknowledged' || told === 'rejected') return told;
    if (stored && stored.endsAtMs > (await now())) {
      const isDelivered = told === 'nothing' && (await deliveryRecord.isDelivered(mailbox, stored));
      return isDelivered ? 'delivered' : 'stored';
    }
    // Once it is gone nothing says who sent it. Whoever holds its id is its sender or its recipient.
    const isRecipient =
      mailbox.kind === 'did' ? recipient === did : await anonymousMailboxes.owns(did, recipient);
    if (stored || !isRecipient || (await receiptLog.has(sender, messageId, 'expired'))) return 'expired';
    throw unknownMessage();
  }

  /** What the sender was told of a message that its recipient was done with; undefined where it has not opted in. */
  async #toldOf(
    mailbox: Mailbox,
    sender: string,
    messageId: string,
  ): Promise<'acknowledged' | 'rejected' | 'nothing' | undefined> {
    const { receiptLog, mailboxOptions } = this.dependencies;
    if (mailbox.kind !== 'did' || !(await mailboxOptions.tellsSenders(mailbox.identifier))) return undefined;
    // One client id may have rejected what another one acknowledged.
    if (await receiptLog.has(sender, messageId, 'acknowledged')) return 'acknowledged';
    return (await receiptLog.has(sender, messageId, 'rejected')) ? 'rejected' : 'nothing';
  }

  /** A DID's own mailbox, or that of an anonymous key; no key begins like a DID. */
  async #mailboxOf(recipient: string): Promise<Mailbox | undefined> {
    if (recipient.startsWith('did:')) return didMailbox(recipient);
    return this.dependencies.anonymousMailboxes.find(recipient);
  }
}

function unknownMessage(): BrokerError {
  return new BrokerError('not-found', 'You have sent no message with this id to this recipient.');
}
