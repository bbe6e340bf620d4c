// What a fetch takes of the messages it has read, and what it leaves in the cursor.

import { describe, expect, it } from '@jest/globals';
import {
  acknowledge,
  type Cursor,
  cursorLimits,
  dropSettled,
  newCursor,
  peekable,
  pendingFor,
  planReads,
  type ReadMessage,
  take,
} from '../../../shared/messages/cursor';
import { evidenceMs } from '../../../shared/messages/cursor/cursor';
import { Positions } from '../../../shared/messages/cursor/positions';

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
