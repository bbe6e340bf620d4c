// Recovering a signature takes milliseconds of the one thread that serves everybody, so logins are limited: by the
// address they come from before that work, and by the DID once it is proven. A DID that others merely name is not
// counted: nobody can lock out somebody else.

import { BrokerError } from '../broker-error';
import type { Clock } from '../clock';
import { RateLimit } from './rate-limit';

export interface LoginLimitOptions {
  readonly perDidAndMinute: number;
  readonly perAddressAndMinute: number;
  readonly clock: Clock;
}

export class LoginLimits {
  readonly #dids: RateLimit;
  readonly #addresses: RateLimit;

  constructor({ perDidAndMinute, perAddressAndMinute, clock }: LoginLimitOptions) {
    this.#dids = new RateLimit(perDidAndMinute, clock);
    this.#addresses = new RateLimit(perAddressAndMinute, clock);
  }

  /** Counts an attempt. @param address undefined: not known, not limited @throws BrokerError `too-many-logins` */
  countAttempt(address: string | undefined): void {
    if (address !== undefined) refuseFor(this.#addresses.take(address));
  }

  /** Before the proof: refuses a DID that has logged in too often. @throws BrokerError `too-many-logins` */
  checkClaimed(did: string): void {
    refuseFor(this.#dids.waitMs(did));
  }

  /** After it. @throws BrokerError `too-many-logins` */
  countProven(did: string): void {
    refuseFor(this.#dids.take(did));
  }
}

function refuseFor(waitMs: number): void {
  if (waitMs > 0) throw tooManyLogins(Math.ceil(waitMs / 1_000));
}

export function tooManyLogins(retryAfterSeconds: number): BrokerError {
  return new BrokerError('too-many-logins', 'Log in less often: an access token works for many calls.', {
    retryAfterSeconds,
  });
}
