// The timer killed at any step, again and again, in two instances at once: against a real server, with seeded kills.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addressOf, bucketStream, bucketSubject, cursorBucket } from '../../../shared/adapters/nats/names';
import { type Mailbox, senderToken } from '../../../shared/messages/mailbox';
import { type ExpiryDependencies, type ExpiryQueue, expireMessages } from '../../../shared/retention/expiry';
import {
  expireAll,
  type ExpiryInstance,
  openExpiryInstance,
  store,
  untilDue,
} from '../../support/expiry-instance';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

const everything = { topics: null, senders: null };

interface Reading {
  /** Messages that a reader fetches; 0: nobody ever does. */
  readonly amount: number;
  /** How many of those it acknowledges. */
  readonly acknowledged: number;
  readonly isReadTwice: boolean;
}

const readings: fc.Arbitrary<readonly Reading[]> = fc.array(
  fc.record({ amount: fc.nat({ max: 8 }), acknowledged: fc.nat({ max: 8 }), isReadTwice: fc.boolean() }),
  { minLength: 6, maxLength: 12 },
);
/** After how many calls either instance dies, again and again. */
const kills = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })), { minLength: 8, maxLength: 20 });

class Killed extends Error {}

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
          unacknowledged: own.unacknowledged,
          release: () => dying(() => own.release()),
        };
      },
    },
    tellSender: (message) => dying(() => dependencies.tellSender(message)),
    forgetClass: (name) => dying(() => dependencies.forgetClass(name)),
    now: () => dying(() => dependencies.now()),
    random: dependencies.random,
    log: dependencies.log,
  };
}

async function runUntilKilled(dependencies: ExpiryDependencies): Promise<void> {
  await expireMessages(dependencies, () => false).catch((error: unknown) => {
    if (!(error instanceof Killed || (error instanceof Error && error.cause instanceof Killed))) throw error;
  });
}

describe('the retention timer, killed at any step', () => {
  let nats: NatsServer;
  let one: ExpiryInstance;
  let other: ExpiryInstance;

  beforeAll(async () => {
    nats = await startNatsServer();
    one = openExpiryInstance(nats.url);
    other = openExpiryInstance(nats.url);
  });

  afterAll(async () => {
    await Promise.all([one.jetStream.close(), other.jetStream.close()]);
    await nats.stop();
  });

  it('tells each sender of each unread message once, and touches nothing that has not expired', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(readings, kills, async (read, killed) => {
        const world = await storeWorld(`${count++}`, read);
        await untilDue(one);
        for (const [first, second] of killed) {
          await Promise.all([
            runUntilKilled(mortal(one.dependencies, first)),
            runUntilKilled(mortal(other.dependencies, second)),
          ]);
        }
        await expireAll(one);
        await checkWorld(world);
      }),
      { numRuns: 6 },
    );
  }, 120_000);

  it('leaves little of the record of a reader that never comes back', async () => {
    const identifier = 'did:ethr:volta:0xidle';
    for (let number = 0; number < 300; number++) {
      await store(one, identifier, 'did:ethr:volta:0xsender', identifier, '1s');
    }
    const mailbox: Mailbox = { kind: 'did', identifier };
    expect(await search(one, mailbox, 'idle', 300)).toHaveLength(300);
    const { shard, token } = addressOf(mailbox, 2);
    const recordBytes = async () => {
      const bucket = cursorBucket(shard);
      const subject = bucketSubject(bucket, `${token}.>`);
      return (await one.jetStream.lastBySubject(bucketStream(bucket), subject))?.data.byteLength ?? 0;
    };
    expect(await recordBytes()).toBeGreaterThan(400);
    await untilDue(one);
    await expireAll(one);
    expect(await recordBytes()).toBeGreaterThan(0);
    expect(await recordBytes()).toBeLessThan(200);
  }, 60_000);

  interface StoredWorld {
    readonly mailboxes: readonly Mailbox[];
    /** What each sender is to be told of, by the sender's DID. */
    readonly expected: ReadonlyMap<string, readonly string[]>;
    /** The message that has not expired, for each mailbox. */
    readonly live: readonly number[];
  }

  /** Mailboxes with messages of three senders, the last of which lives on; and what their readers did with them. */
  async function storeWorld(name: string, read: readonly Reading[]): Promise<StoredWorld> {
    const senders = ['a', 'b', 'c'].map((letter) => `did:ethr:volta:0x${letter}${name}`);
    const expected = new Map<string, string[]>(senders.map((sender) => [sender, []]));
    const live: number[] = [];
    const mailboxes: Mailbox[] = [];
    for (const [index, { amount, acknowledged, isReadTwice }] of read.entries()) {
      const identifier = `did:ethr:volta:0x${name}-${index}`;
      const mailbox: Mailbox = { kind: 'did', identifier };
      mailboxes.push(mailbox);
      const stored: { seq: number; sender: string }[] = [];
      for (let number = 0; number < 8; number++) {
        const sender = senders[number % senders.length] ?? '';
        stored.push({ seq: await store(one, identifier, sender, `${identifier}#${number}`, '1s'), sender });
      }
      live.push(await store(one, identifier, senders[0] ?? '', identifier, '1h'));
      let acked: ReadonlySet<number> = new Set();
      if (amount > 0) {
        const found = await search(one, mailbox, 'c', amount);
        const seqs = found.slice(0, acknowledged);
        acked = await one.reader.acknowledge({ mailbox, clientId: 'c', from: undefined, seqs });
      }
      if (isReadTwice) await search(other, mailbox, 'second', 2);
      stored.forEach(({ seq, sender }, number) => {
        if (!acked.has(seq)) expected.get(sender)?.push(`${identifier}#${number}`);
      });
    }
    return { mailboxes, expected, live };
  }

  async function checkWorld({ mailboxes, expected, live }: StoredWorld): Promise<void> {
    for (const [sender, recipients] of expected) {
      const receipts = await one.receiptLog.read(senderToken(sender), 0, 1_000);
      expect(receipts.map(({ receipt }) => receipt.recipient).sort()).toEqual([...recipients].sort());
    }
    for (const [index, mailbox] of mailboxes.entries()) {
      const seq = live[index] ?? 0;
      expect((await one.messageLog.at(mailbox, seq))?.seq).toBe(seq);
      expect(await search(one, mailbox, 'c', 10)).toEqual([seq]);
      // What has expired takes no place in any cursor any more.
      const { cursor } = await one.cursors.load({ mailbox, clientId: 'second', from: '' });
      expect([...cursor.pending]).toEqual([]);
    }
    const { subjects } = (await one.jetStream.streamState('DDHUB_MAIL_0', 'ddhub.*.*.*.*.1s')) ?? {};
    expect(subjects).toEqual({});
  }
});

async function search(
  { reader }: ExpiryInstance,
  mailbox: Mailbox,
  clientId: string,
  amount: number,
): Promise<readonly number[]> {
  const request = { mailbox, clientId, from: undefined, filter: everything, amount };
  return (await reader.search(request)).map(({ seq }) => seq);
}
