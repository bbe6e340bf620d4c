// What a cursor is made of: its positions, its pending list, and the form in which it is stored.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Cursor, CursorCodec, cursorLimits, newCursor } from '../../../shared/messages/cursor';
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
