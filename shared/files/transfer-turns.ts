// Turns at what streams through this instance. Each upload and each download holds a few buffers for as long as its
// client takes, so their number is bounded, and one participant has half of the places at most.

import { BrokerError } from '../broker-error';
import { Turns } from '../turns';

/** Longest wait for a turn: gateways do not retry, and the front end gives a silent request up after 230 s. Unit: ms. */
const maxWaitMs = 120_000;
/** Of one participant, for each place that there is. */
const maxWaiting = 25;

/** @param places how many at once */
export function transferTurns(what: 'uploads' | 'downloads', places: number): Turns {
  return new Turns({
    atOnce: places,
    perOwner: Math.ceil(places / 2),
    maxWaiting: places * maxWaiting,
    maxWaitMs,
    refusal: () =>
      new BrokerError('transfers-busy', `There are as many ${what} on this instance as it can hold.`, {
        retryAfterSeconds: 10,
      }),
  });
}
