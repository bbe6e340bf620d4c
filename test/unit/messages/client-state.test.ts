import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientStates } from '../../../shared/messages/client-state';
import { settle } from '../../../shared/messages/cursor';
import type { LogFilter, LogStart, MessageCounts } from '../../../shared/messages/message-log';
import { MailboxReader } from '../../../shared/messages/reader';
import { Receiver } from '../../../shared/messages/receiver';
import { LaggingLog, newWorld, RecordStore } from '../../support/cursor-world';

const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
const clientId = 'worker';
const name = { mailbox, clientId, from: '' };
const lifeMs = 3_600_000;

const topic = fc.constantFrom('t1', 't2', 't3');
const sender = fc.constantFrom('s1', 's2', 's3');
const filterOf = (values: fc.Arbitrary<string>) =>
  fc.option(fc.uniqueArray(values, { minLength: 1, maxLength: 2 }));
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('store' as const), topic, sender, gap: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      topics: filterOf(topic),
      senders: filterOf(sender),
      max: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      how: fc.constantFrom('acknowledge' as const, 'reject' as const, 'release' as const),
      share: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(120_000) }) },
);

/** The log's own messages, counted one by one. */
function countsOf(log: LaggingLog): MessageCounts {
  const selected = (filter: LogFilter, start: LogStart) =>
    log.messages.filter(
      (message) =>
        (filter.topic ?? message.topic) === message.topic &&
        (filter.sender ?? message.sender) === message.sender &&
        ('after' in start ? message.seq > start.after : message.timeMs >= start.fromMs),
    );
  return {
    count: (_mailbox, filter, start) => {
      const found = selected(filter, start);
      return Promise.resolve({ count: found.length, first: found[0] });
    },
    cells: () =>
      Promise.resolve([
        ...new Map(
          log.messages.map((message) => [
            `${message.topic} ${message.sender}`,
            { topic: message.topic, sender: message.sender },
          ]),
        ).values(),
      ]),
  };
}

describe('the state of a client id', () => {
  it('is what counting its messages one by one brings, however they were read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = newWorld();
        const log = new LaggingLog(world);
        const cursors = new RecordStore(world);
        const receiver = new Receiver(
          log,
          cursors,
          () => lifeMs,
          () => undefined,
        );
        const states = new ClientStates(log, countsOf(log), cursors);
        const unsettled = new Map(log.messages.map(({ seq, timeMs }) => [seq, timeMs]));
        const held = new Map<
          number,
          { readonly seq: number; readonly grant: number; readonly untilMs: number }
        >();
        const seen = new Set<number>();
        let dead = 0;
        for (const one of steps) {
          if (one.kind === 'store') {
            const { seq, timeMs } = log.store(one.topic, one.sender, lifeMs, one.gap);
            unsettled.set(seq, timeMs);
          } else if (one.kind === 'receive') {
            const { messages } = await receiver.receive({
              mailbox,
              clientId,
              from: undefined,
              filter: { topics: one.topics, senders: one.senders },
              max: one.max,
              leaseMs: 60_000,
              maxDeliveries: 1_000,
            });
            for (const { seq, grant, leaseUntilMs } of messages) {
              seen.add(seq);
              held.set(seq, { seq, grant, untilMs: leaseUntilMs });
            }
          } else if (one.kind === 'settle') {
            const chosen = [...held.values()].filter(({ seq }) => seq % 4 === one.share);
            const action = { kind: one.how, delayMs: 0, reason: 'r' };
            const { settled } = await cursors.update(name, (cursor, nowMs) =>
              settle(cursor, action, chosen, nowMs),
            );
            for (const lease of chosen) {
              held.delete(lease.seq);
              if (!settled.has(lease) || one.how === 'release') continue;
              unsettled.delete(lease.seq);
              seen.delete(lease.seq);
              if (one.how === 'reject') dead++;
            }
          } else world.nowMs += one.ms;
        }
        const oldest = Math.min(...unsettled.values());
        expect(await states.of(mailbox, clientId)).toEqual({
          lag: unsettled.size,
          oldestUnackedSeconds: unsettled.size ? Math.floor((world.nowMs - oldest) / 1_000) : null,
          pending: seen.size,
          leased: [...held.values()].filter(({ untilMs }) => untilMs > world.nowMs).length,
          deadLetters: dead,
        });
      }),
      { numRuns: 300 },
    );
  });

  /** A client id that has read each topic by itself, as gateways do, and acknowledged nothing. */
  function readTopicByTopic(topics: readonly string[]) {
    const world = newWorld();
    const log = new LaggingLog(world);
    const cursors = new RecordStore(world);
    const reader = new MailboxReader(log, cursors, () => lifeMs);
    const search = async (amount = 1_000): Promise<void> => {
      for (const one of topics) {
        const filter = { topics: [one], senders: null };
        const found = await reader.search({ mailbox, clientId, from: undefined, filter, amount });
        const seqs = found.map(({ seq }) => seq);
        if (seqs.length) await reader.acknowledge({ mailbox, clientId, from: undefined, seqs });
      }
    };
    return { world, log, search, states: new ClientStates(log, countsOf(log), cursors) };
  }

  it('regression: takes no reading of the whole mailbox where it was read topic by topic', async () => {
    const { world, log, search, states } = readTopicByTopic(['t1', 't2']);
    for (let number = 0; number < 1_000; number++) log.store(number % 2 ? 't1' : 't2', 's', lifeMs, 0);
    await search();
    log.reads = 0;
    expect(await states.of(mailbox, clientId)).toMatchObject({ lag: 0, oldestUnackedSeconds: null });
    log.store('t2', 's', lifeMs, 0);
    world.nowMs += 5_000;
    expect(await states.of(mailbox, clientId)).toMatchObject({ lag: 1, oldestUnackedSeconds: 5 });
    expect(log.reads).toBe(0);
  });

  it('does not take a message that has ended for the oldest one', async () => {
    const { world, log, search, states } = readTopicByTopic(['t1', 't2']);
    log.store('t1', 's', lifeMs, 0);
    await search();
    log.store('t2', 's', 1_000, 0);
    world.nowMs += 2_000;
    expect((await states.of(mailbox, clientId)).oldestUnackedSeconds).toBeNull();
    log.store('t2', 's', lifeMs, 0);
    world.nowMs += 3_000;
    expect((await states.of(mailbox, clientId)).oldestUnackedSeconds).toBe(3);
  });

  it('has a lag and an age that are no less than they are, also where very many topics were read differently far', async () => {
    const topics = Array.from({ length: 400 }, (_none, index) => `t${index}`);
    const { world, log, search, states } = readTopicByTopic(topics);
    for (const one of topics) log.store(one, 's', lifeMs, 0);
    await search();
    log.store('t399', 's', lifeMs, 0);
    log.store('t0', 's', lifeMs, 0);
    world.nowMs += 5_000;
    const { lag, oldestUnackedSeconds } = await states.of(mailbox, clientId);
    expect(lag).toBeGreaterThanOrEqual(2);
    expect(lag).toBeLessThanOrEqual(2 + topics.length - 256);
    expect(oldestUnackedSeconds).toBeGreaterThanOrEqual(5);
  });

  it('regression: looks at the mailbox once for all client ids', async () => {
    const { log, search } = readTopicByTopic(['t1', 't2']);
    log.store('t1', 's', lifeMs, 0);
    await search();
    const world = newWorld();
    const counts = countsOf(log);
    let looks = 0;
    const cells: MessageCounts['cells'] = (...given) => {
      looks++;
      return counts.cells(...given);
    };
    const cursors = new RecordStore(world);
    const reader = new MailboxReader(log, cursors, () => lifeMs);
    const filter = { topics: ['t1'], senders: null };
    const clientIds = ['one', 'two', 'three'];
    for (const each of clientIds) {
      await reader.search({ mailbox, clientId: each, from: undefined, filter, amount: 1 });
    }
    const found = await new ClientStates(log, { ...counts, cells }, cursors).ofAll(mailbox, clientIds);
    expect(found.map(({ lag }) => lag)).toEqual([1, 1, 1]);
    expect(looks).toBe(1);
  });
});
