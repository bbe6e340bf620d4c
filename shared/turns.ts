// Work of which only so much may be done at once: of all owners together, of one owner, or both. The rest waits: the
// owners take turns, however much one of them has waiting, and each one's own is done in the order in which it came.

import { BrokerError } from './broker-error';

export interface TurnsOptions {
  /** Pieces of all owners at once; absent: any number. */
  readonly atOnce?: number;
  /** Pieces of one owner at once; absent: any number. */
  readonly perOwner?: number;
  /** Pieces of one owner that wait; absent: any number. */
  readonly maxWaiting?: number;
  /** Longest wait; absent: until it is its turn. Unit: ms. */
  readonly maxWaitMs?: number;
  /** What one is told for whom too much waits, or who has waited too long. */
  readonly refusal?: () => BrokerError;
}

/** To be called when the work is done; more than once does nothing. */
export type EndTurn = () => void;

/** The work of one owner. */
interface Line {
  running: number;
  /** Oldest first. */
  readonly waiting: Set<() => void>;
}

export class Turns {
  /** Of owners with work, in the order of their turns. */
  readonly #lines = new Map<string, Line>();
  #running = 0;
  #waiting = 0;

  constructor(private readonly options: TurnsOptions) {}

  /** Does it when it is the owner's turn. @throws as `take`; what the work throws */
  async run<Result>(owner: string, work: () => Promise<Result>): Promise<Result> {
    const endTurn = await this.take(owner);
    try {
      return await work();
    } finally {
      endTurn();
    }
  }

  /** Waits for the owner's turn. @throws BrokerError the refusal */
  async take(owner: string): Promise<EndTurn> {
    const line = this.#lines.get(owner) ?? { running: 0, waiting: new Set() };
    this.#lines.set(owner, line);
    if (this.#mayBegin(line)) this.#begin(owner, line);
    else await this.#wait(owner, line);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      // Others first: what came in meanwhile is served before the next piece.
      setImmediate(() => {
        this.#end(owner, line);
      });
    };
  }

  #mayBegin({ running }: Line): boolean {
    const { atOnce = Infinity, perOwner = Infinity } = this.options;
    return this.#running < atOnce && running < perOwner;
  }

  #begin(owner: string, line: Line): void {
    this.#running += 1;
    line.running += 1;
    // All others come before its next one.
    this.#lines.delete(owner);
    this.#lines.set(owner, line);
  }

  #end(owner: string, line: Line): void {
    this.#running -= 1;
    line.running -= 1;
    this.#dropIfEmpty(owner, line);
    // Owners may be thousands, of whom none waits.
    if (this.#waiting === 0) return;
    // One place has come free.
    for (const [next, candidate] of this.#lines) {
      const [oldest] = candidate.waiting;
      if (!oldest || !this.#mayBegin(candidate)) continue;
      candidate.waiting.delete(oldest);
      this.#begin(next, candidate);
      oldest();
      return;
    }
  }

  #dropIfEmpty(owner: string, { running, waiting }: Line): void {
    if (running + waiting.size === 0) this.#lines.delete(owner);
  }

  #wait(owner: string, line: Line): Promise<void> {
    const { maxWaiting = Infinity, maxWaitMs, refusal = tooMuch } = this.options;
    if (line.waiting.size >= maxWaiting) {
      this.#dropIfEmpty(owner, line);
      throw refusal();
    }
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        this.#waiting -= 1;
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting -= 1;
        line.waiting.delete(begin);
        this.#dropIfEmpty(owner, line);
        reject(refusal());
      };
      const timer = maxWaitMs === undefined ? undefined : setTimeout(giveUp, maxWaitMs);
      line.waiting.add(begin);
      this.#waiting += 1;
    });
  }
}

const retryAfterSeconds = 5;

function tooMuch(): BrokerError {
  return new BrokerError('overloaded', 'As much of this is done as can be at once.', { retryAfterSeconds });
}
