// Server time: the instance's clock plus an offset measured from the server's time stamps (design §4). Expiry
// and leases are decided by it, so that instances with wrong clocks agree.

import type { Clock } from '../../clock';
import type { JetStream } from './jetstream';
import { layoutStream } from './names';

/** How old a measurement may be. */
const measureEveryMs = 60_000;

export class ServerClock {
  #offsetMs = 0;
  #measuredAt = -Infinity;
  #measuring: Promise<void> | undefined;

  constructor(
    private readonly jetStream: JetStream,
    private readonly clock: Clock,
  ) {}

  /** Server time, exact to about half a round trip. Measured at the first use and then once a minute. */
  async now(): Promise<number> {
    if (performance.now() - this.#measuredAt > measureEveryMs) {
      this.#measuring ??= this.#measure().finally(() => (this.#measuring = undefined));
      // Only the first caller waits for a measurement; later ones go on with the last one meanwhile.
      if (this.#measuredAt === -Infinity) await this.#measuring;
      else this.#measuring.catch(() => undefined);
    }
    return this.clock() + this.#offsetMs;
  }

  async #measure(): Promise<void> {
    const sentAt = this.clock();
    const state = await this.jetStream.streamState(layoutStream);
    const receivedAt = this.clock();
    this.#measuredAt = performance.now();
    if (state) this.#offsetMs = Math.round(state.serverTimeMs - (sentAt + receivedAt) / 2);
  }
}
