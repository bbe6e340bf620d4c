// Messages that had ended before anybody fetched them: nobody has acknowledged them, whatever passes over them later.

import { describe, expect, it } from '@jest/globals';
import {
  type Cursor,
  hasAcknowledged,
  newCursor,
  planReads,
  type ReadMessage,
  take,
} from '../../../shared/messages/cursor';

const dueAtMs = 100_000;
const message = (seq: number, endsAtMs: number): ReadMessage => ({
  ...{ seq, topic: 't', sender: 's', timeMs: 1_000, endsAtMs, dueAtMs, bytes: 10, keyNumber: 1 },
});

function search(cursor: Cursor, messages: readonly ReadMessage[], nowMs: number) {
  const filter = { topics: null, senders: null };
  const reads = planReads(cursor, filter).map((read) => ({ read, messages }));
  const limits = { amount: 10, maxBytes: 1_000, fromMs: -Infinity, memoryMs: 1_000_000 };
  return take(cursor, { reads, lasts: [], pending: [], planned: cursor, ...limits }, nowMs);
}

describe('a search', () => {
  it('that passes over a message that had ended does not make it look acknowledged to the timer', () => {
    const [ended, live] = [message(1, 2_000), message(2, 50_000)];
    const { cursor, outcome } = search(newCursor(1), [ended, live], 3_000);
    expect(outcome).toEqual({ kind: 'taken', seqs: [2] });
    expect(hasAcknowledged(cursor, ended)).toBe(false);
  });

  it('keeps nothing of a message that the timer has looked after long ago', () => {
    const { cursor } = search(newCursor(1), [message(1, 2_000), message(2, 9e9)], dueAtMs + 2 * 3_600_000);
    expect([...cursor.pending].map(({ seq }) => seq)).toEqual([2]);
  });
});
