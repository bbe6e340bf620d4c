// Large bodies of one caller are worked on one after the other, each from its first byte to the end of its request:
// side by side, megabytes of one caller would take turn after turn of the event loop from all others, and what is made
// of them would fill the memory. Nobody waits for anybody else's.

import { BrokerError } from '../broker-error';
import { type EndTurn, Turns } from '../turns';

/** Bodies up to here are read at once. Unit: bytes. */
const smallBytes = 256 * 1024;
const defaultMaxWaitMs = 20_000;

export class BodyTurns {
  readonly #turns: Turns;

  /** @param maxWaitMs how long a body waits for its turn at most */
  constructor(maxWaitMs = defaultMaxWaitMs) {
    this.#turns = new Turns({ perOwner: 1, maxWaitMs, refusal: () => tooBusy(maxWaitMs) });
  }

  /**
   * Waits for the caller's turn.
   * @param declaredBytes undefined: of unknown length
   * @returns to be called when the request has ended, or only waits for others
   * @throws BrokerError `overloaded` when its turn does not come in time
   */
  async take(caller: string, declaredBytes: number | undefined): Promise<EndTurn> {
    if (declaredBytes !== undefined && declaredBytes <= smallBytes) return () => undefined;
    return this.#turns.take(caller);
  }
}

function tooBusy(maxWaitMs: number): BrokerError {
  return new BrokerError('overloaded', 'Other large bodies of yours are not done with; send fewer at once.', {
    retryAfterSeconds: Math.ceil(maxWaitMs / 2_000),
  });
}
