// An attempt: what one call under an Idempotency-Key is for the stores behind it, however often it is carried out.

import { randomBytes } from 'node:crypto';

export interface Attempt {
  /**
   * 24 lower-case hex characters that nobody can guess, the same whenever the call is carried out again. What the call
   * creates has them as its id or remembers them, so that a repetition finds it.
   */
  readonly id: string;
  /** It was carried out before, and perhaps not to its end: look for what it has left before doing anything again. */
  readonly isRepeated: boolean;
  /** When it was first begun. Server time, ms. */
  readonly sinceMs: number;
}

export function newAttemptId(): string {
  return randomBytes(12).toString('hex');
}
