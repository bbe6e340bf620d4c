// Server time: the instance's clock plus an offset measured from the server's time stamps (design §4). Expiry
// and leases are decided by it, so that instances with wrong clocks agree.

import type { Clock } from '../../clock';
import type { JetStream } from './jetstream';
import { layoutStream } from './names';

/** How old a measurement may be. */
const measureEveryMs = 60_000;
/** And one whose answer was so long in coming that it says little. */
const measureAgainMs = 1_000;
/** An answer that came later than this was waited for, or asked for again. */
const vagueAfterMs = 200;
/** How often a server is asked at the first use, until an answer comes in time. */
const firstTries = 3;

export class ServerClock {
  #offsetMs = 0;
  #measuredAt = -Infinity;
  #nextAt = -Infinity;
  #measuring: Promise<void> | undefined;

  constructor(
    private readonly jetStream: JetStream,
    private readonly clock: Clock,
  ) {}

  /** Server time, exact to about half a round trip. Measured at the first use and then once a minute. */
  async now(): Promise<number> {
    if (performance.now() > this.#nextAt) {
      this.#measuring ??= this.#measure().finally(() => (this.#measuring = undefined));
      // Only the first caller waits for a measurement; later ones go on with the last one meanwhile.
      if (this.#measuredAt === -Infinity) await this.#measuring;
      else this.#measuring.catch(() => undefined);
    }
    return this.clock() + this.#offsetMs;
  }

  async #measure(): Promise<void> {
    const isFirst = this.#measuredAt === -Infinity;
    // Half of a slow answer is far off: while nothing better is known, it is asked for again at once.
    for (let left = isFirst ? firstTries : 1; left > 0; left--) {
      const isVague = await this.#ask();
      this.#nextAt = performance.now() + (isVague ? measureAgainMs : measureEveryMs);
      if (!isVague) return;
    }
  }

  /** @returns whether the answer says little: it was long in coming, or there is no stream yet to ask about */
  async #ask(): Promise<boolean> {
    const sentAt = this.clock();
    const state = await this.jetStream.streamState(layoutStream);
    const receivedAt = this.clock();
    const isFirst = this.#measuredAt === -Infinity;
    this.#measuredAt = performance.now();
    if (!state) return true;
    const isVague = receivedAt - sentAt > vagueAfterMs;
    // The server's clock showed this at some moment between the two.
    const [least, most] = [state.serverTimeMs - receivedAt, state.serverTimeMs - sentAt];
    // What is known better stays, unless it cannot be true any more: a slow answer moves no lease's end by seconds.
    if (isVague && !isFirst) this.#offsetMs = Math.min(most, Math.max(least, this.#offsetMs));
    else this.#offsetMs = Math.round((least + most) / 2);
    return isVague;
  }
}
