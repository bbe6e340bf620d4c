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
  /** How many there were then. Whoever asks meanwhile waits for the same answer, and adds to it. */
  readonly counting: Promise<number>;
  /** Places taken since. */
  taken: number;
  isFull: boolean;
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
    const { max, what } = this.options;
    const known = this.#count(owner);
    if ((await known.counting) + known.taken >= max) {
      known.isFull = true;
      throw new BrokerError(
        'limit-reached',
        `There may be at most ${max} ${what}; remove some that are no longer used.`,
      );
    }
    known.taken++;
  }

  /** Something was removed here, or a place that was taken is not used. */
  giveBack(owner: string): void {
    this.#counted.delete(owner);
  }

  #count(owner: string): Counted {
    const known = this.#counted.get(owner);
    if (known && performance.now() - known.atMs <= (known.isFull ? fullForMs : countedForMs)) return known;
    const counting = this.options.count(owner);
    const counted: Counted = { atMs: performance.now(), counting, taken: 0, isFull: false };
    this.#counted.set(owner, counted);
    counting.catch(() => {
      if (this.#counted.get(owner) === counted) this.#counted.delete(owner);
    });
    return counted;
  }
}
