// Removes a mailbox or some of its cursors by purging their subjects. Nothing else stands under them, and a key-value
// deletion would leave a tombstone for each cursor.

import type { MailboxRemoval } from '../../messages/anonymous-keys';
import type { Mailbox } from '../../messages/mailbox';
import type { JetStream } from './jetstream';
import { addressOf, cursorKeysOf, cursorKeysOfClient, mailStream, subjectFilter } from './names';
import type { StoreLayout } from './store-layout';

export class JetStreamMailboxRemoval implements MailboxRemoval {
  constructor(
    private readonly jetStream: JetStream,
    private readonly layout: StoreLayout,
  ) {}

  async removeMailbox(mailbox: Mailbox): Promise<void> {
    const address = addressOf(mailbox, this.layout.shardCount);
    await this.layout.generation(address.shard);
    await this.jetStream.purge(mailStream(address.shard), subjectFilter(address, undefined, undefined));
    await this.layout.cursors(address.shard).remove(cursorKeysOf(address.token));
  }

  async removeCursors(mailbox: Mailbox, clientId: string): Promise<void> {
    const { shard, token } = addressOf(mailbox, this.layout.shardCount);
    await this.layout.cursors(shard).remove(cursorKeysOfClient(token, clientId));
  }
}
