// Dead letters of a cursor: marks in its pending entries, which live as long as their messages. Pure.

import { type Cursor, cursorLimits, dropSettled } from './cursor';
import { neverLeased, type PendingEntry } from './pending-list';

/** A dead letter as it stands in the record. */
export type DeadLetter = PendingEntry & { readonly dead: NonNullable<PendingEntry['dead']> };

/** Dead letters whose messages have not ended, oldest first. */
export function deadLetters(cursor: Cursor, nowMs: number): readonly DeadLetter[] {
  return cursor.pending.chunks
    .filter(({ deadCount }) => deadCount > 0)
    .flatMap(({ entries }) => entries.filter(isDead))
    .filter(({ endsAtSeconds }) => endsAtSeconds * 1_000 > nowMs);
}

/**
 * Makes dead letters pending again, as if they had never been leased, up to the ceiling of pending messages.
 * @param seqs null for all
 */
export function redrive(
  before: Cursor,
  seqs: ReadonlySet<number> | null,
  nowMs: number,
): { readonly cursor: Cursor; readonly outcome: readonly DeadLetter[] } {
  const cursor = dropSettled(before, nowMs);
  const room = Math.max(0, cursorLimits.pending - cursor.pending.liveCount(nowMs));
  const chosen = chosenOf(cursor, seqs, nowMs).slice(0, room);
  const pending = cursor.pending.replacing(chosen.map((entry) => ({ ...entry, ...neverLeased })));
  return stepOf(before, { ...cursor, pending }, chosen);
}

/**
 * Removes dead letters: they count as acknowledged from then on.
 * @param seqs null for all
 */
export function removeDeadLetters(
  before: Cursor,
  seqs: ReadonlySet<number> | null,
  nowMs: number,
): { readonly cursor: Cursor; readonly outcome: readonly DeadLetter[] } {
  const cursor = dropSettled(before, nowMs);
  const chosen = chosenOf(cursor, seqs, nowMs);
  const pending = cursor.pending.without(new Set(chosen.map(({ seq }) => seq)));
  return stepOf(before, { ...cursor, pending }, chosen);
}

function chosenOf(cursor: Cursor, seqs: ReadonlySet<number> | null, nowMs: number): readonly DeadLetter[] {
  return deadLetters(cursor, nowMs).filter(({ seq }) => seqs?.has(seq) ?? true);
}

function stepOf(before: Cursor, after: Cursor, chosen: readonly DeadLetter[]) {
  return { cursor: chosen.length ? after : before, outcome: chosen };
}

function isDead(entry: PendingEntry): entry is DeadLetter {
  return entry.dead !== undefined;
}
