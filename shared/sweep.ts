// Removing what is due, as the files and the payloads of the Blob store are: an index names it, many are removed at
// once because each waits for the store several times, and work ends when time is up.

import { mapConcurrently } from './map-concurrently';

/** Each is a few calls in a row: 16 at once remove some hundred a second, more than participants can bring. */
const concurrentRemovals = 16;
/** Names asked for beside those that were seen. */
const batchSize = 1_000;
/** The store gives no more at a time. */
const maxNames = 5_000;

export interface Sweep {
  /** Names of what is due, up to `max`; the index may lag and name what has gone. */
  readonly findDue: (max: number) => Promise<readonly string[]>;
  /** Whether it was there and is removed. */
  readonly remove: (name: string) => Promise<boolean>;
  /** Asked before each but the first. */
  readonly isOutOfTime: () => boolean;
}

/** Works until nothing is due or time is up, at least on one. Returns how many were removed. */
export async function sweepDue({ findDue, remove, isOutOfTime }: Sweep): Promise<number> {
  const seen = new Set<string>();
  let removed = 0;
  let isOver = false as boolean;
  while (!isOver) {
    // What the index still names, and was seen, takes no other's place; it is left for the next time.
    const names = await findDue(Math.min(seen.size + batchSize, maxNames));
    const fresh = names.filter((name) => !seen.has(name));
    if (!fresh.length) break;
    await mapConcurrently(fresh, concurrentRemovals, async (name) => {
      isOver ||= seen.size > 0 && isOutOfTime();
      if (isOver) return;
      seen.add(name);
      if (await remove(name)) removed += 1;
    });
  }
  return removed;
}
