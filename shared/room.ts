// Whether there is room for one more of what is counted by listing it. Listing costs the server more the more there
// is, so what was counted is remembered for a minute and added to.

import { LRUCache } from 'lru-cache';
import { BrokerError } from './broker-error';

export interface RoomOptions {
  /** Of one owner. */
  readonly max: number;
  /** `client ids` */
  readonly what: string;
  /** How many an owner has. */
  readonly count: (owner: string) => Promise<number>;
}

interface Counted {
  readonly atMs: number;
  count: number;
}

const countedForMs = 60_000;
/** Who is at the limit is counted again, because something may have been removed elsewhere. */
const fullForMs = 1_000;
const maxOwners = 10_000;

export class Room {
  readonly #counted = new LRUCache<string, Counted>({ max: maxOwners });

  constructor(private readonly options: RoomOptions) {}

  /** Takes room for one more. @throws BrokerError `limit-reached` */
  async take(owner: string): Promise<void> {
    const { max, what, count } = this.options;
    let known = this.#counted.get(owner);
    const ageMs = known ? performance.now() - known.atMs : Infinity;
    if (!known || ageMs > countedForMs || (known.count >= max && ageMs > fullForMs)) {
      known = { atMs: performance.now(), count: await count(owner) };
      this.#counted.set(owner, known);
    }
    if (known.count >= max) {
      throw new BrokerError(
        'limit-reached',
        `There may be at most ${max} ${what}; remove some that are no longer used.`,
      );
    }
    known.count++;
  }

  /** Something was removed here. */
  giveBack(owner: string): void {
    this.#counted.delete(owner);
  }
}
