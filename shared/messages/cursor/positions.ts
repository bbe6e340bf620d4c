// Positions: how far each (topic, sender) of a mailbox has been read by a cursor (design §4). A position covers
// one topic or any, and a set of senders or any; what covers a message furthest decides.

/** An immutable set of sender tokens. */
export class SenderSet {
  readonly #members: ReadonlySet<string>;
  /** Ascending, without repeats. */
  readonly sorted: readonly string[];

  constructor(tokens: Iterable<string>) {
    this.#members = new Set(tokens);
    this.sorted = [...this.#members].sort();
  }

  get size(): number {
    return this.sorted.length;
  }

  has(token: string): boolean {
    return this.#members.has(token);
  }

  contains(other: SenderSet): boolean {
    return other === this || (other.size <= this.size && other.sorted.every((token) => this.has(token)));
  }
}

/** What a position, a read or a filter speaks of: one topic or any (null), some senders or any (null). */
export interface Scope {
  readonly topic: string | null;
  readonly senders: SenderSet | null;
}

export interface Position extends Scope {
  /** Every message of the scope up to this sequence has been returned by a read of this cursor. */
  readonly readThrough: number;
  /** When it last moved. Server time, ms; it ends with the longest-lived message it could speak of. */
  readonly timeMs: number;
}

/** True when everything in `inner` is in `outer`. */
export function covers(outer: Scope, inner: Scope): boolean {
  if (outer.topic !== null && outer.topic !== inner.topic) return false;
  if (outer.senders === null) return true;
  return inner.senders !== null && outer.senders.contains(inner.senders);
}

/** An immutable list of positions with the look-ups that reading needs. */
export class Positions implements Iterable<Position> {
  static readonly none = new Positions([]);
  readonly #byTopic = new Map<string | null, Position[]>();

  private constructor(readonly list: readonly Position[]) {
    for (const position of list) {
      const same = this.#byTopic.get(position.topic);
      if (same) same.push(position);
      else this.#byTopic.set(position.topic, [position]);
    }
  }

  /** Takes positions as they were stored. */
  static of(list: readonly Position[]): Positions {
    return list.length ? new Positions(list) : Positions.none;
  }

  [Symbol.iterator](): Iterator<Position> {
    return this.list[Symbol.iterator]();
  }

  /** Positions of exactly this topic, or of any topic (null). */
  ofTopic(topic: string | null): readonly Position[] {
    return this.#byTopic.get(topic) ?? [];
  }

  /** How far messages of one (topic, sender) have been read: the furthest position that covers them, or `start`. */
  reached(topic: string, sender: string, start: number): number {
    let furthest = start;
    for (const list of [this.ofTopic(null), this.ofTopic(topic)]) {
      for (const { senders, readThrough } of list) {
        if (readThrough > furthest && (senders === null || senders.has(sender))) furthest = readThrough;
      }
    }
    return furthest;
  }

  /** How far all of a scope has been read: what was read of some of it only does not count. */
  reachedByAll(scope: Scope, start: number): number {
    const { topic, senders } = scope;
    if (senders !== null && topic !== null) {
      return senders.sorted.reduce(
        (least, sender) => Math.min(least, this.reached(topic, sender, start)),
        Infinity,
      );
    }
    if (senders !== null) {
      return senders.sorted.reduce(
        (least, sender) =>
          Math.min(
            least,
            this.ofTopic(null).reduce(
              (most, position) =>
                position.senders === null || position.senders.has(sender)
                  ? Math.max(most, position.readThrough)
                  : most,
              start,
            ),
          ),
        Infinity,
      );
    }
    const candidates = topic === null ? this.ofTopic(null) : [...this.ofTopic(null), ...this.ofTopic(topic)];
    return candidates.reduce(
      (most, position) => (position.senders === null ? Math.max(most, position.readThrough) : most),
      start,
    );
  }

  /**
   * With further positions, in the smallest equal form: senders of one topic that were read equally far become
   * one position, and what a wider position has reached is dropped, as is what is older than `oldestMs`.
   */
  with(moved: readonly Position[], oldestMs: number): Positions {
    const all = [...this.list, ...moved].filter(({ timeMs }) => timeMs >= oldestMs);
    const merged = mergeEquallyFar(all);
    const topics = Map.groupBy(merged, ({ topic }) => topic);
    const anyTopic = withoutPassed(topics.get(null) ?? [], []);
    const kept = [...topics].flatMap(([topic, list]) =>
      topic === null ? anyTopic : withoutPassed(list, anyTopic),
    );
    return Positions.of(kept);
  }
}

/** Joins positions of one topic with the same reach into one; the later time counts for both. */
function mergeEquallyFar(positions: readonly Position[]): readonly Position[] {
  const groups = Map.groupBy(positions, ({ topic, readThrough }) => `${topic ?? ''}:${readThrough}`);
  return [...groups.values()].map((group) => {
    const [first] = group as [Position, ...Position[]];
    if (group.length === 1) return first;
    const timeMs = Math.max(...group.map((position) => position.timeMs));
    const widest = group.find((outer) => group.every((inner) => covers(outer, inner)));
    if (widest) return { ...widest, timeMs };
    return {
      ...first,
      timeMs,
      senders: new SenderSet(group.flatMap(({ senders }) => senders?.sorted ?? [])),
    };
  });
}

function withoutPassed(positions: readonly Position[], wider: readonly Position[]): readonly Position[] {
  return positions.filter((position) => {
    const passes = (other: Position): boolean =>
      other !== position && other.readThrough >= position.readThrough && covers(other, position);
    return !positions.some(passes) && !wider.some(passes);
  });
}
