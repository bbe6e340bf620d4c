// The pending messages of a cursor: read and not yet acknowledged, in stream order. Immutable, in chunks, so that
// a change costs what it touches: an acknowledgement among 20,000 pending copies and re-encodes one chunk.

export interface PendingEntry {
  readonly seq: number;
  readonly topic: string;
  /** Sender's token. */
  readonly sender: string;
  /** Number of the key that seals its id; undefined where the record was written before that was noted. */
  readonly keyNumber: number | undefined;
  /** Server time after which the message has certainly ended: it is not returned any more. Unit: s, rounded up. */
  readonly endsAtSeconds: number;
  /** Server time at which the timer looks after it, not before its end. Unit: s, rounded up. */
  readonly dueAtSeconds: number;
  /** How often it was leased. */
  readonly deliveries: number;
  /** Names its lease; 0 for none. */
  readonly grant: number;
  /** Until then it is not leased (again): its lease's end, or that of a delay. Server time, ms; 0 for none. */
  readonly leaseUntilMs: number;
  /** Set when it is a dead letter: it is not returned any more. */
  readonly dead: DeadMark | undefined;
}

export interface DeadMark {
  readonly reason: string;
  /** Server time. Unit: ms. */
  readonly atMs: number;
}

/** What a message is that was read and never leased. */
export const neverLeased = { deliveries: 0, grant: 0, leaseUntilMs: 0, dead: undefined } as const;

export type ChunkSummary = Pick<
  PendingChunk,
  'first' | 'last' | 'count' | 'deadCount' | 'earliestEndSeconds' | 'earliestDueSeconds'
>;

/** A run of entries in ascending order. Entries that were read from a stored record are decoded when needed. */
export class PendingChunk {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly deadCount: number;
  /** The earliest end, and the earliest time for the timer, among the entries. Unit: s. */
  readonly earliestEndSeconds: number;
  readonly earliestDueSeconds: number;
  #entries: readonly PendingEntry[] | undefined;
  #leasing: { readonly earliestFreeMs: number; readonly mostDeliveries: number } | undefined;

  private constructor(
    summary: ChunkSummary,
    private readonly decode: () => readonly PendingEntry[],
  ) {
    this.first = summary.first;
    this.last = summary.last;
    this.count = summary.count;
    this.deadCount = summary.deadCount;
    this.earliestEndSeconds = summary.earliestEndSeconds;
    this.earliestDueSeconds = summary.earliestDueSeconds;
  }

  /** @param entries not empty, ascending by seq */
  static of(entries: readonly PendingEntry[]): PendingChunk {
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) throw new RangeError('A chunk has at least one entry.');
    const least = (key: 'endsAtSeconds' | 'dueAtSeconds'): number =>
      entries.reduce((so, entry) => Math.min(so, entry[key]), Infinity);
    return new PendingChunk(
      {
        first: first.seq,
        last: last.seq,
        count: entries.length,
        deadCount: entries.reduce((sum, { dead }) => (dead ? sum + 1 : sum), 0),
        earliestEndSeconds: least('endsAtSeconds'),
        earliestDueSeconds: least('dueAtSeconds'),
      },
      () => entries,
    );
  }

  static stored(summary: ChunkSummary, decode: () => readonly PendingEntry[]): PendingChunk {
    return new PendingChunk(summary, decode);
  }

  get entries(): readonly PendingEntry[] {
    this.#entries ??= this.decode();
    return this.#entries;
  }

  /** When the first entry that is no dead letter may be leased (again). Server time, ms; Infinity for never. */
  get earliestFreeMs(): number {
    return this.#ofLeasing().earliestFreeMs;
  }

  /** The most deliveries of an entry that is no dead letter. */
  get mostDeliveries(): number {
    return this.#ofLeasing().mostDeliveries;
  }

  #ofLeasing(): { readonly earliestFreeMs: number; readonly mostDeliveries: number } {
    if (!this.#leasing) {
      let [earliestFreeMs, mostDeliveries] = [Infinity, 0];
      for (const { dead, leaseUntilMs, deliveries } of this.entries) {
        if (dead) continue;
        earliestFreeMs = Math.min(earliestFreeMs, leaseUntilMs);
        mostDeliveries = Math.max(mostDeliveries, deliveries);
      }
      this.#leasing = { earliestFreeMs, mostDeliveries };
    }
    return this.#leasing;
  }
}

const chunkSize = 256;

export class PendingList {
  static readonly empty = new PendingList([]);
  readonly count: number;

  /** @param chunks in ascending order, not overlapping */
  constructor(readonly chunks: readonly PendingChunk[]) {
    this.count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  }

  static of(entries: readonly PendingEntry[]): PendingList {
    return PendingList.empty.with(entries);
  }

  *[Symbol.iterator](): Generator<PendingEntry> {
    for (const chunk of this.chunks) yield* chunk.entries;
  }

  get(seq: number): PendingEntry | undefined {
    const chunk = this.chunks[this.#chunkIndex(seq)];
    return chunk && seq >= chunk.first ? chunk.entries.find((entry) => entry.seq === seq) : undefined;
  }

  /** How many have not ended, without dead letters. */
  liveCount(nowMs: number): number {
    const nowSeconds = nowMs / 1_000;
    return this.chunks.reduce((sum, chunk) => {
      if (chunk.earliestEndSeconds > nowSeconds) return sum + chunk.count - chunk.deadCount;
      const isLive = ({ endsAtSeconds, dead }: PendingEntry): boolean => !dead && endsAtSeconds > nowSeconds;
      return sum + chunk.entries.filter(isLive).length;
    }, 0);
  }

  /** How many are dead letters. */
  deadCount(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.deadCount, 0);
  }

  /** With further entries; sequences that are there already are left as they are. */
  with(added: readonly PendingEntry[]): PendingList {
    const fresh = added.filter(({ seq }) => !this.get(seq)).sort((one, other) => one.seq - other.seq);
    const [first] = fresh;
    if (!first) return this;
    // New messages usually come behind all pending ones, and only the last chunk is rebuilt.
    const at = Math.max(0, Math.min(this.#chunkIndex(first.seq), this.chunks.length - 1));
    const kept = this.chunks.slice(0, at);
    const rebuilt = this.chunks.slice(at).flatMap(({ entries }) => entries);
    const entries = [...rebuilt, ...fresh].sort((one, other) => one.seq - other.seq);
    for (let index = 0; index < entries.length; index += chunkSize) {
      kept.push(PendingChunk.of(entries.slice(index, index + chunkSize)));
    }
    return new PendingList(kept);
  }

  /** Without these sequences; the same list when none of them is pending. */
  without(seqs: ReadonlySet<number>): PendingList {
    const touched = new Set([...seqs].map((seq) => this.#chunkIndex(seq)));
    return this.#filtered(
      (_chunk, index) => touched.has(index),
      ({ seq }) => !seqs.has(seq),
    );
  }

  /** Without those that were due for the timer at this time; the same list when none was. */
  withoutDue(atMs: number): PendingList {
    const atSeconds = atMs / 1_000;
    return this.#filtered(
      (chunk) => chunk.earliestDueSeconds <= atSeconds,
      ({ dueAtSeconds }) => dueAtSeconds > atSeconds,
    );
  }

  /** With these entries in the place of those of the same sequences; what is not pending is not added. */
  replacing(changed: readonly PendingEntry[]): PendingList {
    if (!changed.length) return this;
    const bySeq = new Map(changed.map((entry) => [entry.seq, entry]));
    const touched = new Set(changed.map(({ seq }) => this.#chunkIndex(seq)));
    return new PendingList(
      this.chunks.map((chunk, index) =>
        touched.has(index)
          ? PendingChunk.of(chunk.entries.map((entry) => bySeq.get(entry.seq) ?? entry))
          : chunk,
      ),
    );
  }

  #filtered(
    touched: (chunk: PendingChunk, index: number) => boolean,
    keep: (entry: PendingEntry) => boolean,
  ): PendingList {
    const chunks = this.chunks.flatMap((chunk, index) => {
      if (!touched(chunk, index)) return [chunk];
      const entries = chunk.entries.filter(keep);
      if (entries.length === chunk.count) return [chunk];
      return entries.length ? [PendingChunk.of(entries)] : [];
    });
    const same =
      chunks.length === this.chunks.length && chunks.every((chunk, index) => chunk === this.chunks[index]);
    return same ? this : new PendingList(chunks);
  }

  /** Index of the first chunk that ends at or after `seq`: the only one that could hold it. */
  #chunkIndex(seq: number): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.chunks[middle]?.last ?? Infinity) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
