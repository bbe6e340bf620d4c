// Read receipts: what a sender is told of what a recipient has just done, where the recipient has opted in. Of anonymous
// mailboxes nothing is told: who has opted in at the same time as a key would show whose key it is.

import type { Log } from '../log';
import { mapConcurrently } from '../map-concurrently';
import { type Mailbox, mailboxToken } from './mailbox';
import type { MailboxOptionsStore } from './mailbox-options';
import type { MessageIds } from './message-id';
import type { MessageLog } from './message-log';
import type { Receipt, ReceiptLog } from './receipts';

/** A message with which its recipient is done. */
export interface SettledMessage {
  readonly seq: number;
  /** Sender's token: the receipt's reader. */
  readonly sender: string;
  /** Number of the key that seals its id; undefined where that is not known. */
  readonly keyNumber: number | undefined;
}

/** Told of messages that were just settled on a cursor. @param reason of a rejection */
export type TellSettled = (
  mailbox: Mailbox,
  outcome: 'acknowledged' | 'rejected',
  messages: readonly SettledMessage[],
  reason?: string,
) => Promise<void>;

export interface ReadReceiptsDependencies {
  readonly mailboxOptions: Pick<MailboxOptionsStore, 'tellsSenders'>;
  readonly receiptLog: Pick<ReceiptLog, 'write'>;
  readonly messageLog: Pick<MessageLog, 'at' | 'generation'>;
  readonly messageIds: MessageIds;
  /** Server time. Unit: ms. */
  readonly now: () => Promise<number>;
  readonly log: Log;
}

const concurrentReceipts = 64;
/** Once one has failed, no further one is begun after this: each may wait as long for the store. Unit: ms. */
const patienceMs = 20_000;

export class ReadReceipts {
  constructor(private readonly dependencies: ReadReceiptsDependencies) {}

  /**
   * Tells senders of messages that were just acknowledged or rejected on a cursor, each once whatever the number of
   * cursors. Costs a look into memory where the recipient has not opted in. Never fails: what was settled stays settled,
   * and whom a receipt does not reach keeps nobody else from being told.
   */
  readonly tell: TellSettled = async (mailbox, outcome, messages, reason) => {
    const { mailboxOptions, now, log } = this.dependencies;
    if (mailbox.kind !== 'did' || !messages.length) return;
    const failures: unknown[] = [];
    let told = 0;
    try {
      const wanted = mailboxOptions.tellsSenders(mailbox.identifier);
      if (wanted === false || !(await wanted)) return;
      const at = new Date(await now()).toISOString();
      const endsAt = performance.now() + patienceMs;
      await mapConcurrently(messages, concurrentReceipts, async (message) => {
        if (failures.length && performance.now() > endsAt) return;
        try {
          await this.#tellOf(mailbox, message, { outcome, at, ...(reason === undefined ? {} : { reason }) });
          told++;
        } catch (error) {
          failures.push(error);
        }
      });
    } catch (error) {
      failures.push(error);
    }
    if (failures.length) {
      log('warn', 'senders were not told', { outcome, count: messages.length - told, error: failures[0] });
    }
  };

  async #tellOf(
    mailbox: Mailbox,
    message: SettledMessage,
    told: Pick<Receipt, 'outcome' | 'at' | 'reason'>,
  ): Promise<void> {
    const messageId = await this.#idOf(mailbox, message);
    if (messageId === undefined) return;
    await this.dependencies.receiptLog.write(message.sender, {
      messageId,
      recipient: mailbox.identifier,
      ...told,
    });
  }

  /** As its sender knows it; undefined where the message is gone and its key is not known. */
  async #idOf(mailbox: Mailbox, { seq, keyNumber }: SettledMessage): Promise<string | undefined> {
    const { messageLog, messageIds } = this.dependencies;
    const number = keyNumber ?? (await messageLog.at(mailbox, seq))?.keyNumber;
    if (number === undefined) return undefined;
    const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
    return messageIds.seal(seq, context, number);
  }
}
