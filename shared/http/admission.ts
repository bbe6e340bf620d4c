// Admission: how many requests an instance works on at once. The others wait in line, oldest first, because gateways do
// not retry; only when those in front have waited so long that a new one would wait too long is it sent away, before
// anything has been done for it: what refuses late refuses dearly.
//
// How many at once: few while the process has more to do than it can, as more would only make each of them slower, and
// many while they wait for a store that is slow, as they would keep others waiting that need it not. Which of both it is
// is seen by the lateness of a timer: up by a step while it is in time, down by a share when it is late.

import { BrokerError } from '../broker-error';

/** How a route stands in line. */
export type Standing =
  /** It finishes what others have begun: before those that wait. */
  | 'first'
  /** It is never kept waiting. */
  | 'exempt';

export interface AdmissionOptions {
  /** Requests worked on at once at most; `least` of them also when the process is busy. */
  readonly maxRunning: number;
  /** How long a request waits at most before work on it begins. Unit: ms. */
  readonly maxWaitMs: number;
  /** Bytes of bodies that wait at most. */
  readonly maxWaitingBytes?: number;
  /** Unit: ms. */
  readonly now?: () => number;
}

interface Waiter {
  readonly since: number;
  readonly begin: () => void;
}

/**
 * Gives up a request's place for as long as it only waits for others, and takes one again, before those that have not
 * begun. One wait at a time.
 * @param giveBack is given what was waited for when there is no place to go on with it
 * @throws BrokerError `overloaded` when no place comes free in time; whatever `wait` throws
 */
export type StandAside = <T>(wait: () => Promise<T>, giveBack?: (result: T) => Promise<void>) => Promise<T>;

const defaultWaitingBytes = 64 * 1024 * 1024;
/** Of the longest wait: when those in front have waited for so long, no more are let in. */
const fullShare = 0.75;
/** Enough to keep a process busy that waits a millisecond for its store now and then. */
export const leastRunning = 64;
/** The timer's period, how late it is when the process is busy, and what follows. Unit of both: ms. */
const tickMs = 20;
const lateMs = 40;
const step = 32;
const shrinkage = 0.7;

export class Admission {
  readonly #lines = { first: new Set<Waiter>(), normal: new Set<Waiter>() };
  readonly #now: () => number;
  #running = 0;
  #allowed: number;
  #isTicking = false;
  #waitingBytes = 0;

  constructor(private readonly options: AdmissionOptions) {
    this.#now = options.now ?? (() => performance.now());
    this.#allowed = this.#least;
  }

  /**
   * Before a request is read.
   * @throws BrokerError `overloaded` when it would wait too long
   */
  refuseWhenFull(standing: Standing | undefined): void {
    const oldest = head(this.#lines.normal);
    if (standing !== undefined || !oldest) return;
    if (this.#now() - oldest.since > this.options.maxWaitMs * fullShare) throw this.#overloaded();
  }

  /**
   * Works on a request when it is its turn.
   * @param bytes of its body, which is in memory meanwhile
   * @throws BrokerError `overloaded` when its turn does not come in time; whatever `work` throws
   */
  async run<T>(
    standing: Standing | undefined,
    bytes: number,
    work: (standAside: StandAside) => Promise<T>,
  ): Promise<T> {
    if (standing === 'exempt') return work((wait) => wait());
    if (!this.#takeFreePlace()) await this.#turn(standing ?? 'normal', bytes);
    let hasPlace = true;
    const givePlaceUp = (): void => {
      if (!hasPlace) return;
      hasPlace = false;
      this.#running--;
      this.#beginNext();
    };
    try {
      return await work(async (wait, giveBack) => {
        givePlaceUp();
        const result = await wait();
        try {
          if (!this.#takeFreePlace()) await this.#turn('first', 0);
        } catch (error) {
          await giveBack?.(result);
          throw error;
        }
        hasPlace = true;
        return result;
      });
    } finally {
      givePlaceUp();
    }
  }

  #takeFreePlace(): boolean {
    const isFree = this.#running < this.#allowed;
    if (isFree) this.#running++;
    return isFree;
  }

  get #least(): number {
    return Math.min(leastRunning, this.options.maxRunning);
  }

  #turn(line: 'first' | 'normal', bytes: number): Promise<void> {
    const { maxWaitMs, maxWaitingBytes = defaultWaitingBytes } = this.options;
    const waiters = this.#lines[line];
    if (this.#waitingBytes + bytes > maxWaitingBytes) throw this.#overloaded();
    this.#tick();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        waiters.delete(waiter);
        this.#waitingBytes -= bytes;
      };
      const timer = setTimeout(() => {
        leave();
        reject(this.#overloaded());
      }, maxWaitMs);
      const waiter: Waiter = {
        since: this.#now(),
        begin: () => {
          leave();
          resolve();
        },
      };
      waiters.add(waiter);
      this.#waitingBytes += bytes;
    });
  }

  #beginNext(): void {
    const { first, normal } = this.#lines;
    while (this.#running < this.#allowed) {
      const waiter = head(first) ?? head(normal);
      if (!waiter) return;
      this.#running++;
      waiter.begin();
    }
  }

  /** Looks at the timer's lateness for as long as somebody waits. */
  #tick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    const expectedAt = this.#now() + tickMs;
    setTimeout(() => {
      this.#isTicking = false;
      const isLate = this.#now() - expectedAt > lateMs;
      this.#allowed = isLate
        ? Math.max(this.#least, Math.floor(this.#allowed * shrinkage))
        : Math.min(this.options.maxRunning, this.#allowed + step);
      this.#beginNext();
      if (this.#lines.first.size + this.#lines.normal.size > 0) this.#tick();
      else this.#allowed = Math.max(this.#least, Math.min(this.#allowed, 2 * this.#running));
    }, tickMs).unref();
  }

  #overloaded(): BrokerError {
    const { maxWaitMs } = this.options;
    return new BrokerError('overloaded', 'This instance has more to do than it can do in time.', {
      // By then half of those that wait now are done with.
      retryAfterSeconds: Math.ceil(maxWaitMs / 2_000),
    });
  }
}

const head = (line: ReadonlySet<Waiter>): Waiter | undefined => line.values().next().value;
