// Whether a message was delivered: the cursors of its mailbox say it, so nothing is written down for it.

import { hasAcknowledged } from '../../messages/cursor';
import type { Mailbox } from '../../messages/mailbox';
import type { StoredMessage } from '../../messages/message-log';
import type { DeliveryRecord } from '../../messages/receipts';
import { mapConcurrently } from '../../map-concurrently';
import { listCursorKeys } from './cursor-keys';
import type { JetStream } from './jetstream';
import type { JetStreamCursorStore } from './jetstream-cursor-store';
import { addressOf, cursorKeysOf } from './names';
import type { StoreLayout } from './store-layout';

const concurrentCursors = 32;

export class JetStreamDeliveryRecord implements DeliveryRecord {
  constructor(
    private readonly jetStream: JetStream,
    private readonly layout: StoreLayout,
    private readonly store: JetStreamCursorStore,
  ) {}

  async isDelivered(mailbox: Mailbox, message: StoredMessage): Promise<boolean> {
    const { shard, token } = addressOf(mailbox, this.layout.shardCount);
    const keys = await listCursorKeys(this.jetStream, shard, cursorKeysOf(token));
    let isDelivered = false;
    await mapConcurrently(keys, concurrentCursors, async (key) => {
      // One that has it is enough, and a mailbox may have thousands.
      if (isDelivered) return;
      const { cursor } = await this.store.lookAt({ shard, key });
      isDelivered ||= cursor.pending.get(message.seq) !== undefined || hasAcknowledged(cursor, message);
    });
    return isDelivered;
  }
}
