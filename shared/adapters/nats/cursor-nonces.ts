// What an instance leaves in the record of a cursor with each write: a nonce, by which it knows its own writes again,
// and the others know that it writes there.

import { randomBytes } from 'node:crypto';
import type { Cursor } from '../../messages/cursor';

/** Instances that have not written for this long are dropped from a record. Unit: ms. */
const silentInstanceMs = 60_000;
/** And those that have written within this time may want to write again. Unit: ms. */
const activeInstanceMs = 10_000;
/** What a turn of another instance lasts, in writes of this one: it reads the record first. */
const writesPerTurn = 3;

export class CursorNonces {
  readonly #instance = randomBytes(6).toString('base64url');
  #next = 1;

  /** One that no other write of this instance has. */
  take(): number {
    return this.#next++;
  }

  /** Of this instance's last write to a cursor; 0 for none. */
  lastOf({ nonces }: Cursor): number {
    return nonces.find(({ instance }) => instance === this.#instance)?.nonce ?? 0;
  }

  /** The cursor as this instance writes it. @param nowMs server time */
  sign(cursor: Cursor, nonce: number, nowMs: number): Cursor {
    const others = cursor.nonces.filter(
      ({ instance, timeMs }) => instance !== this.#instance && timeMs > nowMs - silentInstanceMs,
    );
    return { ...cursor, nonces: [...others, { instance: this.#instance, nonce, timeMs: nowMs }] };
  }

  /**
   * Whoever has just written knows the newest version, and would win again and again. Where other instances write the
   * same record it lets each of them read and write once; what it is asked for meanwhile goes into its next group.
   * @param nowMs server time
   * @returns in writes of this instance
   */
  turnsOfOthers({ nonces }: Cursor, nowMs: number): number {
    const others = nonces.filter(
      ({ instance, timeMs }) => instance !== this.#instance && timeMs > nowMs - activeInstanceMs,
    );
    return others.length * writesPerTurn;
  }
}
