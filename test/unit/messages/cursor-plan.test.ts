// Which reads a fetch plans: few, and none that starts beyond what it serves.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Cursor, FilterTooWide, maxReads, newCursor, planReads } from '../../../shared/messages/cursor';
import { type Position, Positions, SenderSet } from '../../../shared/messages/cursor/positions';

describe('a plan', () => {
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_none, number) => `${prefix}${number}`);
  const read = (topic: string | null, senders: readonly string[] | null, readThrough: number): Position => ({
    topic,
    senders: senders && new SenderSet(senders),
    readThrough,
    timeMs: 1,
  });
  const withPositions = (...list: Position[]): Cursor => ({ ...newCursor(1), positions: Positions.of(list) });

  it('never has more than sixteen reads, and serves every (topic, sender) of the filter by exactly one', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.array(fc.tuple(fc.nat(50), fc.nat(50), fc.nat(100_000))),
        (topics, senders, done) => {
          const cursor = withPositions(
            ...done.map(([topic, sender, reached]) => read(`t${topic}`, [`s${sender}`], reached + 1)),
          );
          const filter = { topics: names('t', topics), senders: names('s', senders) };
          const plan = planReads(cursor, filter);
          expect(plan.length).toBeLessThanOrEqual(maxReads);
          for (const topic of filter.topics) {
            for (const sender of filter.senders) {
              const serving = plan.filter((planned) =>
                planned.serves.some((scope) => scope.topic === topic && (scope.senders?.has(sender) ?? true)),
              );
              expect(serving).toHaveLength(1);
              // A read that starts beyond what it serves would lose a message.
              expect(serving[0]?.after).toBeLessThanOrEqual(cursor.positions.reached(topic, sender, 0));
            }
          }
        },
      ),
    );
  });

  it('reads by (topic, sender) while they are few, then by topic, by sender, and over the mailbox', () => {
    const subjects = (topics: number | null, senders: number | null) =>
      planReads(newCursor(1), {
        topics: topics === null ? null : names('t', topics),
        senders: senders === null ? null : names('s', senders),
      }).map(({ topic, sender }) => [topic !== null, sender !== null]);
    expect(subjects(null, null)).toEqual([[false, false]]);
    expect(subjects(4, 4)).toEqual(new Array(16).fill([true, true]));
    expect(subjects(5, null)).toEqual(new Array(5).fill([true, false]));
    expect(subjects(5, 17)).toEqual(new Array(5).fill([true, false]));
    expect(subjects(17, 5)).toEqual(new Array(5).fill([false, true]));
    expect(subjects(17, 17)).toEqual([[false, false]]);
    expect(subjects(17, null)).toEqual([[false, false]]);
  });

  it('gives a sender that is far behind a read of its own, and the others the start they have reached', () => {
    const old = names('s', 99);
    const topics = names('t', 100);
    const cursor = withPositions(...topics.map((topic) => read(topic, old, 100_000)));
    const plan = planReads(cursor, { topics, senders: [...old, 'new'] });
    expect(plan.map(({ topic, sender, after, joinsAt }) => ({ topic, sender, after, joinsAt }))).toEqual([
      { topic: null, sender: null, after: 100_000, joinsAt: undefined },
      { topic: null, sender: 'new', after: 0, joinsAt: 100_000 },
    ]);
  });

  it('starts lower rather than to read more than sixteen subjects', () => {
    const topics = names('t', 20);
    const senders = names('s', 20);
    const cursor = withPositions(
      ...topics.map((topic, index) => read(topic, senders.slice(0, index + 1), 1_000 * (index + 1))),
    );
    const plan = planReads(cursor, { topics, senders });
    expect(plan.length).toBeLessThanOrEqual(maxReads);
  });

  it('reads apart no more than the positions of a cursor can keep apart', () => {
    const senders = names('s', 12);
    const plan = planReads(newCursor(1), { topics: names('t', 100), senders });
    expect(plan.map(({ topic, sender }) => [topic, sender])).toEqual([[null, null]]);
    const cursor = withPositions(...names('t', 100).map((topic) => read(topic, names('s', 90), 100_000)));
    const apart = planReads(cursor, { topics: names('t', 100), senders: names('s', 105) });
    const scopes = apart.filter(({ joinsAt }) => joinsAt !== undefined).flatMap(({ serves }) => serves);
    expect(scopes.length).toBeLessThanOrEqual(512);
  });

  it('refuses a filter that no cursor could hold', () => {
    expect(() => planReads(newCursor(1), { topics: names('t', 1_025), senders: null })).toThrow(
      FilterTooWide,
    );
    expect(() => planReads(newCursor(1), { topics: names('t', 1_000), senders: names('s', 101) })).toThrow(
      FilterTooWide,
    );
  });
});
