// The timer killed at any step, again and again, in two instances at once: against a real server, with seeded kills.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';
import { JetStream } from '../../../shared/adapters/nats/jetstream';
import { JetStreamCursorStore } from '../../../shared/adapters/nats/jetstream-cursor-store';
import { JetStreamExpiryCursors } from '../../../shared/adapters/nats/jetstream-expiry-cursors';
import { listExpiryQueues } from '../../../shared/adapters/nats/jetstream-expiry-queues';
import { JetStreamMessageLog } from '../../../shared/adapters/nats/jetstream-message-log';
import { JetStreamReceiptLog } from '../../../shared/adapters/nats/jetstream-receipt-log';
import { ServerClock } from '../../../shared/adapters/nats/server-clock';
import { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import { MailboxReader, MessageIds, tellExpired } from '../../../shared/messages';
import { type Mailbox, senderToken } from '../../../shared/messages/mailbox';
import { type ExpiryDependencies, type ExpiryQueue, expireMessages } from '../../../shared/retention/expiry';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

const senders = ['did:ethr:volta:0xa', 'did:ethr:volta:0xb', 'did:ethr:volta:0xc'];
const topicId = '0123456789abcdef01234567';
const everything = { topics: null, senders: null };
const ackWaitMs = 400;

class Killed extends Error {}

/** One instance's view of the store. */
function openInstance(url: string) {
  const jetStream = new JetStream({ servers: [url], log: () => undefined });
  const layout = new StoreLayout(jetStream, {
    shardCount: 2,
    replicas: 1,
    duplicateWindowSeconds: 120,
    retentionClasses: ['1s', '1h'],
    log: () => undefined,
  });
  const directGet = new DirectGet(jetStream.connections);
  const messageLog = new JetStreamMessageLog({ jetStream, directGet, layout, duplicateWindowSeconds: 120 });
  const serverClock = new ServerClock(jetStream, () => Date.now());
  const cursors = new JetStreamCursorStore(jetStream, layout, serverClock);
  const messageIds = new MessageIds([{ number: 1, key: new Uint8Array(32) }]);
  const receiptLog = new JetStreamReceiptLog(jetStream, directGet, layout, '1h');
  const dependencies: ExpiryDependencies = {
    queues: () => listExpiryQueues({ jetStream, directGet, layout, replicas: 1, ackWaitMs }),
    cursors: new JetStreamExpiryCursors(jetStream, cursors),
    tellSender: (message) => tellExpired(receiptLog, messageIds, message),
    forgetClass: (name) => layout.forgetClass(name),
    now: () => serverClock.now(),
  };
  const reader = new MailboxReader(messageLog, cursors, () => layout.longestMemoryMs);
  return { jetStream, layout, messageLog, reader, receiptLog, dependencies };
}

/** Dependencies that die, for good, before or after the call that `fatal` counts down to. */
function mortal(dependencies: ExpiryDependencies, fatal: number): ExpiryDependencies {
  let left = fatal;
  const dying = async <T>(call: () => Promise<T>): Promise<T> => {
    if (left-- <= 0) throw new Killed();
    const result = await call();
    if (left-- <= 0) throw new Killed();
    return result;
  };
  const { cursors } = dependencies;
  const mortalQueue = (queue: ExpiryQueue): ExpiryQueue => ({
    shard: queue.shard,
    retentionClass: queue.retentionClass,
    configured: queue.configured,
    look: () => dying(() => queue.look()),
    pull: (max) => dying(() => queue.pull(Math.min(max, 7))),
    flush: () => dying(() => queue.flush()),
    trim: () => dying(() => queue.trim()),
    retire: () => dying(() => queue.retire()),
  });
  return {
    queues: async () => (await dying(() => dependencies.queues())).map(mortalQueue),
    cursors: {
      of: async (...args) => {
        const own = await dying(() => cursors.of(...args));
        return {
          unacknowledged: (messages) => dying(() => own.unacknowledged(messages)),
          release: (seqs) => dying(() => own.release(seqs)),
        };
      },
    },
    tellSender: (message) => dying(() => dependencies.tellSender(message)),
    forgetClass: (name) => dying(() => dependencies.forgetClass(name)),
    now: () => dying(() => dependencies.now()),
  };
}

async function runUntilKilled(dependencies: ExpiryDependencies): Promise<void> {
  await expireMessages(dependencies, () => false).catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error;
  });
}

describe('the retention timer, killed at any step', () => {
  let nats: NatsServer;
  let one: ReturnType<typeof openInstance>;
  let other: ReturnType<typeof openInstance>;

  beforeAll(async () => {
    nats = await startNatsServer();
    one = openInstance(nats.url);
    other = openInstance(nats.url);
  });

  afterAll(async () => {
    await Promise.all([one.jetStream.close(), other.jetStream.close()]);
    await nats.stop();
  });

  it('tells each sender of each unread message once, and touches nothing that has not expired', async () => {
    const mailboxes = Array.from({ length: 12 }, (_none, number): Mailbox => ({
      kind: 'did',
      identifier: `did:ethr:volta:0x${number}`,
    }));
    const expected = new Map<string, string[]>(senders.map((sender) => [sender, []]));
    const live: { mailbox: Mailbox; seq: number }[] = [];
    for (const [index, mailbox] of mailboxes.entries()) {
      const stored: { seq: number; sender: string }[] = [];
      for (let number = 0; number < 9; number++) {
        const sender = senders[number % senders.length] ?? '';
        const retentionClass = number === 8 ? '1h' : '1s';
        const appended = await one.messageLog.append({
          mailbox,
          topicId,
          senderDid: sender,
          retentionClass,
          keyNumber: 1,
          recipient: `${mailbox.identifier}#${number}`,
          transactionId: undefined,
          body: Buffer.from('{"payload":""}'),
        });
        if (appended.outcome === 'duplicate') throw new Error('unexpected');
        if (retentionClass === '1h') live.push({ mailbox, seq: appended.seq });
        else stored.push({ seq: appended.seq, sender });
      }
      // A third of the mailboxes is never read; in the others some are read, and some of those acknowledged.
      const from = undefined;
      let acknowledged: ReadonlySet<number> = new Set();
      if (index % 3 > 0) {
        const found = await one.reader.search({
          mailbox,
          clientId: 'c',
          from,
          filter: everything,
          amount: 6,
        });
        const seqs = found.slice(0, index % 5).map(({ seq }) => seq);
        acknowledged = await one.reader.acknowledge({ mailbox, clientId: 'c', from, seqs });
        await other.reader.search({ mailbox, clientId: 'second', from, filter: everything, amount: 2 });
      }
      stored.forEach(({ seq, sender }, number) => {
        if (!acknowledged.has(seq)) expected.get(sender)?.push(`${mailbox.identifier}#${number}`);
      });
    }
    const lastStoredAt = await one.dependencies.now();
    // The server's clock decides and cannot be moved, so the class of one second is waited out.
    while ((await one.dependencies.now()) <= lastStoredAt + 1_000) {
      await new Promise((resolve) => setImmediate(resolve));
    }

    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 60 }), fc.nat({ max: 60 }), async (first, second) => {
        await Promise.all([
          runUntilKilled(mortal(one.dependencies, first)),
          runUntilKilled(mortal(other.dependencies, second)),
        ]);
      }),
      { numRuns: 40 },
    );
    // Whatever died with a batch gives it back after its time; then one run that nobody disturbs finishes.
    const endsAt = Date.now() + 20_000;
    for (;;) {
      await expireMessages(one.dependencies, () => false);
      const queues = await one.dependencies.queues();
      const views = await Promise.all(queues.map((queue) => queue.look()));
      const isDone = queues.every(
        (queue, index) =>
          queue.retentionClass !== '1s' ||
          (views[index]?.firstDueAtMs === undefined && !views[index]?.trimmable),
      );
      if (isDone) break;
      if (Date.now() > endsAt) throw new Error('not everything was settled within 20 s');
    }
    for (const sender of senders) {
      const receipts = await one.receiptLog.read(senderToken(sender), 0, 1_000);
      expect(receipts.map(({ receipt }) => receipt.recipient).sort()).toEqual(expected.get(sender)?.sort());
    }
    for (const { mailbox, seq } of live) {
      expect((await one.messageLog.at(mailbox, seq))?.seq).toBe(seq);
      const found = await one.reader.search({
        mailbox,
        clientId: 'c',
        from: undefined,
        filter: everything,
        amount: 10,
      });
      expect(found.map((message) => message.seq)).toEqual([seq]);
    }
  }, 60_000);
});
