// Receipts in the message streams: a subject per message and outcome, published with an expected last subject
// sequence of 0, hence at most once each (design §4).

import { type Receipt, type ReceiptLog, type ReceiptOutcome, receiptsMailbox } from '../../messages/receipts';
import { tokenOf } from '../../messages/mailbox';
import type { DirectGet } from './direct-get';
import type { JetStream } from './jetstream';
import { addressOf, mailStream, type MailboxAddress, messageSubject, subjectFilter } from './names';
import { retryOf, toBrokerError } from './nats-errors';
import type { StoreLayout } from './store-layout';

const maxReadBytes = 1024 * 1024;

export class JetStreamReceiptLog implements ReceiptLog {
  /** @param retentionClass name of the longest class: a receipt outlives what it speaks of */
  constructor(
    private readonly jetStream: JetStream,
    private readonly directGet: DirectGet,
    private readonly layout: StoreLayout,
    private readonly retentionClass: string,
  ) {}

  async write(sender: string, receipt: Receipt): Promise<void> {
    const address = await this.#address(sender);
    const subject = this.#subject(address, receipt.messageId, receipt.outcome);
    try {
      await this.jetStream.publish(subject, Buffer.from(JSON.stringify(receipt)), {
        'Nats-Expected-Last-Subject-Sequence': '0',
      });
    } catch (error) {
      // It is there already: written by an earlier run, by another instance, or by a try whose answer was lost.
      if (retryOf(error) !== 'conflict') throw toBrokerError(error);
    }
  }

  async read(
    sender: string,
    after: number,
    max: number,
  ): Promise<readonly { readonly seq: number; readonly receipt: Receipt }[]> {
    const address = await this.#address(sender);
    const { messages } = await this.directGet.read(mailStream(address.shard), {
      seq: after + 1,
      next_by_subj: subjectFilter(address, undefined, undefined),
      batch: max,
      max_bytes: maxReadBytes,
    });
    return messages.map(({ seq, data }) => ({ seq, receipt: parse(data) }));
  }

  async has(sender: string, messageId: string, outcome: ReceiptOutcome): Promise<boolean> {
    const address = await this.#address(sender);
    const subject = this.#subject(address, messageId, outcome);
    return (await this.jetStream.lastBySubject(mailStream(address.shard), subject)) !== undefined;
  }

  #subject(address: MailboxAddress, messageId: string, outcome: ReceiptOutcome): string {
    return messageSubject(address, {
      topicId: messageId,
      sender: tokenOf('outcome', outcome),
      retentionClass: this.retentionClass,
    });
  }

  async #address(sender: string): Promise<MailboxAddress> {
    const address = addressOf(receiptsMailbox(sender), this.layout.shardCount);
    await this.layout.generation(address.shard);
    return address;
  }
}

function parse(data: Uint8Array): Receipt {
  return JSON.parse(Buffer.from(data).toString()) as Receipt;
}
