import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientStates } from '../../../shared/messages/client-state';
import { settle } from '../../../shared/messages/cursor';
import type { LogFilter, LogStart, MessageCounts } from '../../../shared/messages/message-log';
import { Receiver } from '../../../shared/messages/receiver';
import { LaggingLog, RecordStore, type World } from '../../support/cursor-world';

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
    count: (_mailbox, filter, start) => Promise.resolve(selected(filter, start).length),
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
        const world: World = { nowMs: 1_800_000_000_000, lags: [], yield: () => Promise.resolve() };
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
});
