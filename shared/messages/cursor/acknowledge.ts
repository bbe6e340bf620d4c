// What an acknowledgement does to a cursor: pending messages leave the list; of others it is told whether the
// cursor knows them, with facts from the stream's leader where the record alone cannot say.

import { type Cursor, dropSettled, hasAcknowledged, startOf } from './cursor';
import type { PendingEntry } from './pending-list';

/** What the leader says of a sequence; undefined where the message is gone. */
export type LeaderFact =
  | {
      readonly topic: string;
      readonly sender: string;
      readonly timeMs: number;
      readonly endsAtMs: number;
    }
  | undefined;

export interface AcknowledgeRequest {
  readonly seqs: readonly number[];
  /** Facts about sequences, as far as the leader was asked. */
  readonly facts: ReadonlyMap<number, LeaderFact>;
  /** Messages stored before this do not exist for the cursor. Server time, ms; −Infinity for all. */
  readonly fromMs: number;
}

export interface AcknowledgeOutcome {
  /** Acknowledged by this call or before, or ended. */
  readonly acknowledged: ReadonlySet<number>;
  /** Never delivered on this cursor. */
  readonly notFound: ReadonlySet<number>;
  /** Not pending, and the leader has to be asked. */
  readonly unsure: readonly number[];
  /** What this call has acknowledged: the entries as they were. */
  readonly settled: readonly PendingEntry[];
}

export function acknowledge(
  before: Cursor,
  { seqs, facts, fromMs }: AcknowledgeRequest,
  nowMs: number,
): { readonly cursor: Cursor; readonly outcome: AcknowledgeOutcome } {
  const cursor = dropSettled(before, nowMs);
  const acknowledged = new Set<number>();
  const notFound = new Set<number>();
  const unsure: number[] = [];
  const settled: PendingEntry[] = [];
  const from = startOf(cursor, fromMs);
  const readByAll = cursor.positions.reachedByAll({ topic: null, senders: null }, cursor.start);
  for (const seq of seqs) {
    const entry = cursor.pending.get(seq);
    if (entry) {
      acknowledged.add(seq);
      // What had ended before stays for the timer: it was not acknowledged when its time came.
      if (entry.endsAtSeconds * 1_000 > nowMs) settled.push(entry);
    } else if (facts.has(seq))
      (isKnown({ ...cursor, fromMs: from }, seq, facts.get(seq), nowMs) ? acknowledged : notFound).add(seq);
    else if (from === -Infinity && seq > cursor.start && seq <= readByAll) acknowledged.add(seq);
    else unsure.push(seq);
  }
  const pending = cursor.pending.without(new Set(settled.map(({ seq }) => seq)));
  return {
    cursor: pending === cursor.pending ? before : { ...cursor, pending },
    outcome: { acknowledged, notFound, unsure, settled },
  };
}

/** Of a message that is not pending: gone or ended counts as acknowledged; else its position decides. */
function isKnown(cursor: Cursor, seq: number, fact: LeaderFact, nowMs: number): boolean {
  return !fact || fact.endsAtMs <= nowMs || hasAcknowledged(cursor, { seq, ...fact });
}
