// What stands on JetStream: the log of messages, cursors, receipts and the queues of what expires.

import { BucketScan } from '../../shared/adapters/nats/bucket-scan';
import { DirectGet } from '../../shared/adapters/nats/direct-get';
import { JetStream } from '../../shared/adapters/nats/jetstream';
import { CursorRoom } from '../../shared/adapters/nats/cursor-keys';
import { JetStreamCursorStore } from '../../shared/adapters/nats/jetstream-cursor-store';
import { JetStreamDeliveryRecord } from '../../shared/adapters/nats/jetstream-delivery-record';
import { JetStreamMailboxOptions } from '../../shared/adapters/nats/jetstream-mailbox-options';
import { JetStreamMessageLog } from '../../shared/adapters/nats/jetstream-message-log';
import {
  idempotencyMemoryMs,
  JetStreamIdempotencyStore,
} from '../../shared/adapters/nats/jetstream-idempotency-store';
import { idempotencyBucket, participantBucket } from '../../shared/adapters/nats/names';
import { ServerClock } from '../../shared/adapters/nats/server-clock';
import { StoreLayout } from '../../shared/adapters/nats/store-layout';
import type { Clock } from '../../shared/clock';
import type { Settings } from '../../shared/config/settings';
import { IdempotentCalls } from '../../shared/idempotency';
import type { Log } from '../../shared/log';
import { JetStreamExpiryCursors } from '../../shared/adapters/nats/jetstream-expiry-cursors';
import { listExpiryQueues } from '../../shared/adapters/nats/jetstream-expiry-queues';
import { JetStreamReceiptLog } from '../../shared/adapters/nats/jetstream-receipt-log';
import { expireMessages } from '../../shared/retention';
import {
  type AnonymousMailboxes,
  type MessageIds,
  ReadReceipts,
  Receipts,
  tellExpired,
} from '../../shared/messages';
import { participantOptions } from './identity';

/** Messages alone, with what they stand on: also for whoever fills a store past the routes. */
export function openMessageLog({ nats, retention }: Settings, log: Log) {
  const jetStream = new JetStream({
    servers: nats.servers,
    credentials: nats.credentials,
    caPem: nats.caPem,
    log,
  });
  const layout = new StoreLayout(jetStream, {
    shardCount: nats.shardCount,
    replicas: nats.replicas,
    duplicateWindowSeconds: nats.duplicateWindowSeconds,
    retentionClasses: retention.classes.map(({ name }) => name),
    log,
  });
  const directGet = new DirectGet(jetStream.connections);
  const messageLog = new JetStreamMessageLog({
    jetStream,
    directGet,
    layout,
    duplicateWindowSeconds: nats.duplicateWindowSeconds,
  });
  return { jetStream, layout, directGet, messageLog };
}

export function messageStore(settings: Settings, log: Log, clock: Clock) {
  const { nats, retention, limits } = settings;
  const { jetStream, layout, directGet, messageLog } = openMessageLog(settings, log);
  const serverClock = new ServerClock(jetStream, clock);
  const now = () => serverClock.now();
  const cursorRoom = new CursorRoom(jetStream, limits.cursorsPerMailbox);
  const cursors = new JetStreamCursorStore(jetStream, layout, serverClock, cursorRoom);
  const longestClass = retention.classes.at(-1) ?? retention.defaultClass;
  const receiptLog = new JetStreamReceiptLog(jetStream, directGet, layout, longestClass.name);
  const idempotency = layout.bucket(idempotencyBucket, { ttlMs: idempotencyMemoryMs });
  const idempotentCalls = new IdempotentCalls({
    store: new JetStreamIdempotencyStore(idempotency),
    now,
    log,
  });
  const mailboxOptions = new JetStreamMailboxOptions(
    layout.bucket(participantBucket, participantOptions),
    new BucketScan(
      jetStream,
      directGet,
      participantBucket,
      layout.provision(participantBucket, participantOptions),
    ),
  );
  const queues = () => listExpiryQueues({ jetStream, directGet, layout, replicas: nats.replicas });
  return {
    jetStream,
    directGet,
    layout,
    messageLog,
    cursors,
    cursorRoom,
    idempotentCalls,
    now,
    longestClass,
    mailboxOptions,
    receipts: (messageIds: MessageIds, anonymousMailboxes: AnonymousMailboxes) =>
      new Receipts({
        receiptLog,
        deliveryRecord: new JetStreamDeliveryRecord(jetStream, layout, cursors),
        mailboxOptions,
        messageLog,
        messageIds,
        anonymousMailboxes,
        now,
      }),
    readReceipts: (messageIds: MessageIds) =>
      new ReadReceipts({ mailboxOptions, receiptLog, messageLog, messageIds, now, log }),
    expireMessages: (messageIds: MessageIds) => (isOutOfTime: () => boolean) =>
      expireMessages(
        {
          queues,
          cursors: new JetStreamExpiryCursors(jetStream, cursors),
          tellSender: (message) => tellExpired(receiptLog, messageIds, message),
          forgetClass: (name) => layout.forgetClass(name),
          now,
          random: Math.random,
          log,
        },
        isOutOfTime,
      ),
  };
}

export type MessageStore = ReturnType<typeof messageStore>;
