// The cursor: what one (mailbox, client id, from) has read and acknowledged, as a value. A message IS ACKNOWLEDGED
// when start < seq ≤ its position and it is not pending. Nothing else is remembered, and no message is touched.

import { PendingList } from './pending-list';
import { Positions } from './positions';

/** The last write of one instance, by which it recognizes its own write when the answer was lost. */
export interface InstanceNonce {
  readonly instance: string;
  readonly nonce: number;
  /** Server time of the write. Unit: ms. */
  readonly timeMs: number;
}

export interface Cursor {
  /** Generation of the stream that the sequences speak of. */
  readonly generation: number;
  /** Messages up to this sequence do not exist for the cursor. */
  readonly start: number;
  /** Messages stored before this do not exist for the cursor. Server time, ms; −Infinity for none such. */
  readonly fromMs: number;
  /** The highest grant that names, or ever named, a lease of this cursor. */
  readonly lastGrant: number;
  readonly positions: Positions;
  readonly pending: PendingList;
  readonly nonces: readonly InstanceNonce[];
}

/** What a mailbox's reader asks for; null is everything. Topics are ids, senders are tokens; both without repeats. */
export interface Filter {
  readonly topics: readonly string[] | null;
  readonly senders: readonly string[] | null;
}

export const cursorLimits = {
  /** Positions of one cursor. */
  positions: 1_024,
  /** Pending messages of one cursor; at the ceiling only pending ones are returned. */
  pending: 20_000,
  /** Dead letters of one cursor, counted apart. */
  dead: 20_000,
  /** Topics × senders of one filter: what one plan looks at. */
  cells: 100_000,
} as const;

/** A cursor that has read nothing: it begins with the oldest retained message. */
export function newCursor(generation: number): Cursor {
  return {
    generation,
    start: 0,
    fromMs: -Infinity,
    lastGrant: 0,
    positions: Positions.none,
    pending: PendingList.empty,
    nonces: [],
  };
}

/**
 * How long a pending message that has ended stays in the record for the timer to find it there: as evidence that
 * nobody had acknowledged it. After that the message itself is gone. Unit: ms.
 */
export const evidenceMs = 3_600_000;

/** Every operation begins with this: what the timer should have settled long ago is no longer pending. */
export function dropSettled(cursor: Cursor, nowMs: number): Cursor {
  const pending = cursor.pending.withoutDue(nowMs - evidenceMs);
  return pending === cursor.pending ? cursor : { ...cursor, pending };
}

/** From when on messages exist for the cursor: as its name says, or later where a seek has put it. Server time, ms. */
export function startOf(cursor: Cursor, fromMs: number): number {
  return Math.max(cursor.fromMs, fromMs);
}

/** How far messages of one (topic, sender) have been read. */
export function positionOf(cursor: Cursor, topic: string, sender: string): number {
  return cursor.positions.reached(topic, sender, cursor.start);
}

/** Whether a message counts as acknowledged: it exists for the cursor, was read, and is not pending. */
export function hasAcknowledged(
  cursor: Cursor,
  message: { readonly seq: number; readonly topic: string; readonly sender: string; readonly timeMs: number },
): boolean {
  const { seq, topic, sender, timeMs } = message;
  if (seq <= cursor.start || timeMs < cursor.fromMs) return false;
  return seq <= positionOf(cursor, topic, sender) && !cursor.pending.get(seq);
}
