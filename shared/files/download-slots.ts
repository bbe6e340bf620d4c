// How many downloads through this instance run at once. A slow reader of a large answer makes it pile up in memory,
// because the platform's library does not wait for readers; so the number is bounded and the others wait their turn.

import { BrokerError } from '../broker-error';

/** Longest wait for a slot: less than gateways wait for an answer. */
const maxWaitMs = 30_000;
/** Downloads that wait, for each one that runs. */
const maxQueue = 25;

export class DownloadSlots {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param count downloads at once */
  constructor(private readonly count: number) {}

  /** Waits for a slot. Returns what gives it back. @throws BrokerError `downloads-busy` */
  async take(): Promise<() => void> {
    if (this.#running < this.count) this.#running += 1;
    else await this.#wait();
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      const next = this.#waiting.shift();
      // The slot goes over to the next one.
      if (next) next();
      else this.#running -= 1;
    };
  }

  async #wait(): Promise<void> {
    if (this.#waiting.length >= this.count * maxQueue) throw busy();
    const turn = Promise.withResolvers<undefined>();
    const mine = (): void => {
      turn.resolve(undefined);
    };
    this.#waiting.push(mine);
    const timer = setTimeout(() => {
      const index = this.#waiting.indexOf(mine);
      if (index >= 0) this.#waiting.splice(index, 1);
      turn.reject(busy());
    }, maxWaitMs);
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

function busy(): BrokerError {
  return new BrokerError('downloads-busy', 'This instance has as many downloads as it can hold.', {
    retryAfterSeconds: 10,
  });
}
