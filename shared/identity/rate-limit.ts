// How often something may happen for one caller: a minute's worth at once, then evenly (generic cell rate algorithm).
// In memory and for one instance: it protects this process's time, and no caller can spend another's share.

import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock';

const minuteMs = 60_000;
/** Callers who are remembered; of more, those idle for longest start anew. About 100 bytes each. */
const maxCallers = 50_000;

export class RateLimit {
  /** When the last one allowed would have happened, were they spread evenly. */
  readonly #reached = new LRUCache<string, number>({ max: maxCallers });
  readonly #stepMs: number;

  constructor(
    perMinute: number,
    private readonly clock: Clock,
  ) {
    this.#stepMs = minuteMs / perMinute;
  }

  /** Milliseconds until the next one is allowed; 0: now. Counts nothing. */
  waitMs(caller: string): number {
    return Math.max(0, this.#next(caller) - this.clock() - minuteMs);
  }

  /** Counts one if it is allowed. @returns as waitMs() */
  take(caller: string): number {
    const waitMs = this.waitMs(caller);
    if (waitMs === 0) this.#reached.set(caller, this.#next(caller));
    return waitMs;
  }

  #next(caller: string): number {
    return Math.max(this.#reached.get(caller) ?? 0, this.clock()) + this.#stepMs;
  }
}
