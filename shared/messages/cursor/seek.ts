// Seek: a cursor begins anew elsewhere. What was acknowledged behind that place is deliverable again; leases and dead
// letters end with the list of pending messages. Pure.

import type { Cursor } from './cursor';
import { PendingList } from './pending-list';
import { Positions } from './positions';

/** Where a cursor begins: behind a sequence, or with the first message stored at or after an instant (ms). */
export type SeekTarget = { readonly after: number } | { readonly fromMs: number };

/** @param fromMs before this no message exists for the cursor by its name; −Infinity for none such */
export function seek(cursor: Cursor, target: SeekTarget, fromMs: number): Cursor {
  const [start, instant] = 'after' in target ? [target.after, -Infinity] : [0, target.fromMs];
  return {
    ...cursor,
    start,
    fromMs: Math.max(instant, fromMs),
    positions: Positions.none,
    pending: PendingList.empty,
  };
}
