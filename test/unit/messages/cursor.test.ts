import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  acknowledge,
  type Cursor,
  CursorCodec,
  cursorLimits,
  dropSettled,
  FilterTooWide,
  maxReads,
  newCursor,
  peekable,
  pendingFor,
  planReads,
  type ReadMessage,
  take,
} from '../../../shared/messages/cursor';
import { evidenceMs } from '../../../shared/messages/cursor/cursor';
import { neverLeased, PendingList } from '../../../shared/messages/cursor/pending-list';
import { type Position, Positions, SenderSet } from '../../../shared/messages/cursor/positions';

const topicName = fc.integer({ min: 0, max: 5 }).map((number) => `${number}`.padStart(24, 'a'));
const senderName = fc.integer({ min: 0, max: 9 }).map((number) => `${number}`.padStart(26, 's'));
const position: fc.Arbitrary<Position> = fc.record({
  topic: fc.option(topicName),
  senders: fc.option(fc.uniqueArray(senderName, { minLength: 1 }).map((names) => new SenderSet(names))),
  readThrough: fc.integer({ min: 1, max: 50 }),
  timeMs: fc.integer({ min: 1, max: 2_000_000_000_000 }),
});
const entry = fc
  .record({
    seq: fc.integer({ min: 1, max: 2 ** 47 }),
    topic: topicName,
    sender: senderName,
    keyNumber: fc.option(fc.nat({ max: 255 }), { nil: undefined }),
    endsAtSeconds: fc.integer({ min: 1, max: 2_000_000_000 }),
    longer: fc.nat({ max: 1_000 }),
    deliveries: fc.nat({ max: 3 }),
    grant: fc.oneof(fc.constant(0), fc.maxSafeNat()),
    leaseUntilMs: fc.oneof(fc.constant(0), fc.nat({ max: 2_000_000_000_000 })),
    dead: fc.option(fc.record({ reason: fc.string({ unit: 'binary', maxLength: 100 }), atMs: fc.nat() }), {
      nil: undefined,
    }),
  })
  .map(({ longer, ...rest }) => ({ ...rest, dueAtSeconds: rest.endsAtSeconds + longer }));
const entries = fc.uniqueArray(entry, { selector: ({ seq }) => seq, maxLength: 900 });

describe('positions', () => {
  it('say the same after they were brought into their smallest form', () => {
    fc.assert(
      fc.property(fc.array(position, { maxLength: 30 }), topicName, senderName, (list, topic, sender) => {
        const naive = Math.max(
          0,
          ...list
            .filter((one) => (one.topic ?? topic) === topic && (one.senders?.has(sender) ?? true))
            .map(({ readThrough }) => readThrough),
        );
        const compact = list.reduce((all, one) => all.with([one], 0), Positions.none);
        expect(compact.reached(topic, sender, 0)).toBe(naive);
        expect(compact.list.length).toBeLessThanOrEqual(list.length);
      }),
    );
  });

  it('of one sender more each round stay as few as the topics are', () => {
    const topics = Array.from({ length: 100 }, (_none, number) => `t${number}`);
    let positions = Positions.none;
    for (let round = 1; round <= 100; round++) {
      const senders = new SenderSet([`s${round}`]);
      positions = positions.with(
        topics.map((topic) => ({ topic, senders, readThrough: 7, timeMs: 1 })),
        0,
      );
    }
    expect(positions.list).toHaveLength(100);
  });

  it('are dropped when nothing they could speak of can still exist', () => {
    const old = { topic: 't', senders: null, readThrough: 9, timeMs: 1_000 };
    expect(Positions.of([old]).with([], 1_001).list).toEqual([]);
    expect(Positions.of([old]).with([], 1_000).list).toEqual([old]);
  });
});

describe('the pending list', () => {
  it('behaves as a sorted list of entries', () => {
    fc.assert(
      fc.property(
        entries,
        entries,
        fc.array(fc.nat({ max: 999 })),
        fc.nat(2_000_000_000),
        (first, second, picks, now) => {
          const known = new Map([...second, ...first].map((one) => [one.seq, one]));
          let list = PendingList.of(first).with(second);
          const all = [...known.values()].sort((one, other) => one.seq - other.seq);
          expect([...list]).toEqual(all);
          expect(list.count).toBe(all.length);
          const removed = new Set(
            picks.flatMap((pick) => all[Math.floor((pick * all.length) / 1_000)]?.seq ?? []),
          );
          list = list.without(removed);
          const kept = all.filter(({ seq }) => !removed.has(seq));
          expect([...list]).toEqual(kept);
          expect([...list.withoutDue(now * 1_000)]).toEqual(
            kept.filter(({ dueAtSeconds }) => dueAtSeconds > now),
          );
          expect(list.liveCount(now * 1_000)).toBe(
            kept.filter(({ endsAtSeconds, dead }) => !dead && endsAtSeconds > now).length,
          );
          expect(list.deadCount()).toBe(kept.filter(({ dead }) => dead).length);
          const moved = kept.slice(0, 3).map((entry) => ({ ...entry, deliveries: entry.deliveries + 1 }));
          expect([...list.replacing(moved)]).toEqual([...moved, ...kept.slice(3)]);
          expect(list.without(removed)).toBe(list);
          for (const { seq } of all) expect(list.get(seq) !== undefined).toBe(!removed.has(seq));
        },
      ),
    );
  });
});

describe('a stored cursor', () => {
  const cursor: fc.Arbitrary<Cursor> = fc.record({
    generation: fc.integer({ min: 1, max: 255 }),
    start: fc.integer({ min: 0, max: 2 ** 47 }),
    fromMs: fc.oneof(fc.constant(-Infinity), fc.nat({ max: 2_000_000_000_000 })),
    lastGrant: fc.maxSafeNat(),
    positions: fc.array(position).map((list) => Positions.of(list)),
    pending: entries.map((list) => PendingList.of(list)),
    nonces: fc.array(
      fc.record({
        instance: fc.string({ unit: fc.constantFrom('a', 'Z', '-', '_', '0'), minLength: 1, maxLength: 8 }),
        nonce: fc.nat(),
        timeMs: fc.nat({ max: 2_000_000_000_000 }),
      }),
    ),
  });
  const plain = ({ generation, start, fromMs, lastGrant, positions, pending, nonces }: Cursor) => ({
    generation,
    start,
    fromMs,
    lastGrant,
    positions: positions.list.map(({ senders, ...rest }) => ({ ...rest, senders: senders?.sorted ?? null })),
    pending: [...pending],
    nonces,
  });

  it('comes back as it was, also after further changes under the same names', () => {
    fc.assert(
      fc.property(cursor, entries, (original, more) => {
        const writer = new CursorCodec();
        const first = writer.encode(original);
        expect(plain(new CursorCodec().decode(first))).toEqual(plain(original));
        const reader = new CursorCodec();
        const read = reader.decode(first);
        const changed = { ...read, pending: read.pending.with(more) };
        expect(plain(new CursorCodec().decode(reader.encode(changed)))).toEqual(plain(changed));
      }),
    );
  });

  it('takes about two bytes for a pending message of a steady flow', () => {
    const pending = PendingList.of(
      Array.from({ length: cursorLimits.pending }, (_none, index) => ({
        seq: 1_000_000 + index * 13,
        topic: 'a'.repeat(24),
        sender: 's'.repeat(26),
        keyNumber: 1,
        endsAtSeconds: 1_800_000_000 + Math.floor(index / 100),
        dueAtSeconds: 1_800_000_000 + Math.floor(index / 100),
        ...neverLeased,
      })),
    );
    const bytes = new CursorCodec().encode({ ...newCursor(1), pending });
    expect(bytes.byteLength).toBeLessThan(2 * cursorLimits.pending);
  });

  it('of an unknown version or cut short is refused, never misread', () => {
    const bytes = new CursorCodec().encode({
      ...newCursor(1),
      pending: PendingList.of([
        { seq: 5, topic: 't', sender: 's', keyNumber: 1, endsAtSeconds: 9, dueAtSeconds: 9, ...neverLeased },
      ]),
    });
    expect(() => new CursorCodec().decode(Buffer.from([99, 1, 0]))).toThrow(RangeError);
    expect(() => new CursorCodec().decode(bytes.subarray(0, 4))).toThrow(RangeError);
  });

  it('names only what is still in use after thousands of senders have come and gone', () => {
    const codec = new CursorCodec();
    let cursor = newCursor(1);
    let size = 0;
    for (let number = 0; number < 3_000; number++) {
      const pending = PendingList.of([
        {
          seq: number + 1,
          topic: 't'.repeat(24),
          sender: `${number}`.padStart(26, 's'),
          keyNumber: 1,
          endsAtSeconds: 9,
          dueAtSeconds: 9,
          ...neverLeased,
        },
      ]);
      cursor = { ...cursor, pending };
      size = Math.max(size, codec.encode(cursor).byteLength);
    }
    expect(size).toBeLessThan(4_000);
  });
});

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

describe('taking', () => {
  const message = (seq: number, more: Partial<ReadMessage> = {}): ReadMessage => ({
    seq,
    topic: 't',
    sender: 's',
    timeMs: 1_000,
    endsAtMs: 60_000,
    dueAtMs: 60_000,
    keyNumber: 1,
    bytes: 100,
    ...more,
  });
  const request = (cursor: Cursor, messages: readonly ReadMessage[], more = {}) => ({
    amount: 10,
    maxBytes: 1_000_000,
    fromMs: -Infinity,
    planned: cursor,
    reads: planReads(cursor, { topics: null, senders: null }).map((read) => ({ read, messages })),
    lasts: [],
    pending: [],
    memoryMs: 100_000,
    ...more,
  });

  it('at the pending ceiling returns pending messages only, and leaves new ones for later', () => {
    const pending = Array.from({ length: cursorLimits.pending }, (_none, index) => message(index + 1));
    const full = take(
      newCursor(1),
      request(newCursor(1), pending, { amount: 20_000, maxBytes: Infinity }),
      2_000,
    ).cursor;
    expect(full.pending.count).toBe(cursorLimits.pending);
    const next = message(cursorLimits.pending + 1);
    const step = take(full, request(full, [next], { pending: pending.slice(0, 3) }), 2_000);
    expect(step.outcome).toEqual({ kind: 'taken', seqs: [1, 2, 3] });
    expect(step.cursor).toBe(full);
    // Regression: what is left is not passed over, however much it is.
    const many = Array.from({ length: 300 }, (_none, index) => message(cursorLimits.pending + 1 + index));
    expect(take(full, request(full, many), 2_000).cursor).toBe(full);
  });

  it('returns one message at least, however large', () => {
    const cursor = newCursor(1);
    const step = take(cursor, request(cursor, [message(1), message(2)], { maxBytes: 1 }), 2_000);
    expect(step.outcome).toEqual({ kind: 'taken', seqs: [1] });
  });

  it('writes nothing when nothing new was found, and saves a long way of passing over others', () => {
    const cursor = newCursor(1);
    const foreign = (count: number) =>
      Array.from({ length: count }, (_none, index) => message(index + 1, { endsAtMs: 1 }));
    expect(take(cursor, request(cursor, []), 2_000).cursor).toBe(cursor);
    expect(take(cursor, request(cursor, foreign(10)), 2_000).cursor).toBe(cursor);
    expect(take(cursor, request(cursor, foreign(300)), 2_000).cursor.positions.reached('t', 's', 0)).toBe(
      300,
    );
  });

  it('answers stale when the record stands before the reads: somebody has set it back', () => {
    const cursor = newCursor(1);
    const ahead = take(cursor, request(cursor, [message(5)]), 2_000).cursor;
    const facts = request(ahead, [message(9)]);
    expect(take(cursor, facts, 2_000).outcome).toEqual({ kind: 'stale' });
    expect(take(ahead, facts, 2_000).outcome).toEqual({ kind: 'taken', seqs: [9] });
  });

  it('returns what another fetch has taken since the reads before what is new, for its answer may be lost', () => {
    const planned = newCursor(1);
    const [first, second] = [message(1), message(2)];
    const facts = request(planned, [first, second]);
    // Regression: an instance was killed after it had taken the first one, and the second one came before it.
    const other = take(planned, request(planned, [first]), 2_000).cursor;
    expect(take(other, facts, 2_000).outcome).toEqual({ kind: 'taken', seqs: [1, 2] });
    const acknowledged = acknowledge(other, { seqs: [1], facts: new Map(), fromMs: -Infinity }, 2_000).cursor;
    expect(take(acknowledged, facts, 2_000).outcome).toEqual({ kind: 'taken', seqs: [2] });
  });

  it('refuses a filter whose positions the record cannot hold', () => {
    let cursor: Cursor = newCursor(1);
    const positions = Array.from({ length: cursorLimits.positions }, (_none, index) => ({
      topic: `t${index}`,
      senders: null,
      readThrough: 1_000 - (index % 2),
      timeMs: 1_000,
    }));
    cursor = { ...cursor, positions: Positions.of(positions) };
    const facts = {
      ...request(cursor, [message(2_000, { topic: 'other' })]),
      reads: planReads(cursor, { topics: ['other'], senders: null }).map((read) => ({
        read,
        messages: [message(2_000, { topic: 'other' })],
      })),
    };
    expect(take(cursor, facts, 2_000).outcome).toEqual({ kind: 'too-many-positions' });
  });

  it('does not count or return pending messages that have ended, and keeps them as evidence for the timer', () => {
    const cursor = newCursor(1);
    const { cursor: taken } = take(cursor, request(cursor, [message(1, { endsAtMs: 30_000 })]), 2_000);
    expect(taken.pending.liveCount(29_999)).toBe(1);
    expect(taken.pending.liveCount(30_000)).toBe(0);
    expect(pendingFor(taken, peekable, () => true, 0, 10, 29_999)).toHaveLength(1);
    expect(pendingFor(taken, peekable, () => true, 0, 10, 30_000)).toEqual([]);
    const late = acknowledge(taken, { seqs: [1], facts: new Map(), fromMs: -Infinity }, 30_000);
    expect([...late.outcome.acknowledged]).toEqual([1]);
    expect(late.cursor).toBe(taken);
    expect(dropSettled(taken, 60_000).pending.count).toBe(1);
    expect(dropSettled(taken, 60_000 + evidenceMs).pending.count).toBe(0);
  });
});
