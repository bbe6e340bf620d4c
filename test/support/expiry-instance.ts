// One instance's view of the message store, as far as expiry goes: what the composition root makes of it, with consumers
// that give back soon what died with a batch.

import { DirectGet } from '../../shared/adapters/nats/direct-get';
import { CursorRoom } from '../../shared/adapters/nats/cursor-keys';
import { JetStreamCursorStore } from '../../shared/adapters/nats/jetstream-cursor-store';
import { JetStreamExpiryCursors } from '../../shared/adapters/nats/jetstream-expiry-cursors';
import { listExpiryQueues } from '../../shared/adapters/nats/jetstream-expiry-queues';
import { JetStreamMessageLog } from '../../shared/adapters/nats/jetstream-message-log';
import { JetStreamReceiptLog } from '../../shared/adapters/nats/jetstream-receipt-log';
import { ServerClock } from '../../shared/adapters/nats/server-clock';
import { MailboxReader, MessageIds, tellExpired } from '../../shared/messages';
import { type ExpiryDependencies, expireMessages } from '../../shared/retention/expiry';
import { openStore } from './open-store';

export type ExpiryInstance = ReturnType<typeof openExpiryInstance>;

const ackWaitMs = 400;
const patienceMs = 20_000;
export const expiryTopicId = '0123456789abcdef01234567';

/** Classes of a second and an hour, two shards. */
export function openExpiryInstance(url: string) {
  const { jetStream, layout } = openStore(url, { shardCount: 2, retentionClasses: ['1s', '1h'] });
  const directGet = new DirectGet(jetStream.connections);
  const messageLog = new JetStreamMessageLog({ jetStream, directGet, layout, duplicateWindowSeconds: 120 });
  const serverClock = new ServerClock(jetStream, () => Date.now());
  const cursors = new JetStreamCursorStore(jetStream, layout, serverClock, new CursorRoom(jetStream, 50_000));
  const messageIds = new MessageIds([{ number: 1, key: new Uint8Array(32) }]);
  const receiptLog = new JetStreamReceiptLog(jetStream, directGet, layout, '1h');
  const dependencies: ExpiryDependencies = {
    queues: () => listExpiryQueues({ jetStream, directGet, layout, replicas: 1, ackWaitMs }),
    cursors: new JetStreamExpiryCursors(jetStream, cursors),
    tellSender: (message) => tellExpired(receiptLog, messageIds, message),
    forgetClass: (name) => layout.forgetClass(name),
    now: () => serverClock.now(),
    random: Math.random,
    log: () => undefined,
  };
  const reader = new MailboxReader(messageLog, cursors, () => layout.longestMemoryMs);
  return { jetStream, layout, messageLog, cursors, reader, receiptLog, dependencies };
}

/** Stores a message of a class. @param recipient as its sender named it. Returns its sequence. */
export async function store(
  { messageLog }: ExpiryInstance,
  mailbox: string,
  senderDid: string,
  recipient: string,
  retentionClass: '1s' | '1h',
): Promise<number> {
  const appended = await messageLog.append({
    mailbox: { kind: 'did', identifier: mailbox },
    topicId: expiryTopicId,
    senderDid,
    retentionClass,
    keyNumber: 1,
    recipient,
    transactionId: undefined,
    body: Buffer.from('{"payload":""}'),
  });
  if (appended.outcome === 'duplicate') throw new Error('unexpected');
  return appended.seq;
}

/** The server's clock decides and cannot be moved: waits until all that is stored in the class of a second is due. */
export async function untilDue({ dependencies }: ExpiryInstance): Promise<void> {
  const storedAt = await dependencies.now();
  while ((await dependencies.now()) <= storedAt + 1_000)
    await new Promise((resolve) => setImmediate(resolve));
}

/** Runs until the class of a second is empty; whatever died with a batch gives it back after its time. */
export async function expireAll({ dependencies }: ExpiryInstance): Promise<void> {
  const endsAt = Date.now() + patienceMs;
  for (;;) {
    await expireMessages(dependencies, () => false);
    const queues = (await dependencies.queues()).filter(({ retentionClass }) => retentionClass === '1s');
    const views = await Promise.all(queues.map((queue) => queue.look()));
    if (views.every((view) => view.firstDueAtMs === undefined && !view.trimmable)) return;
    if (Date.now() > endsAt) throw new Error('not everything was settled within 20 s');
  }
}
