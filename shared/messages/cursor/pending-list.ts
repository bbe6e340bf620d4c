// The pending messages of a cursor: read and not yet acknowledged, in stream order. Immutable, in chunks, so that
// a change costs what it touches: an acknowledgement among 20,000 pending copies and re-encodes one chunk.

export interface PendingEntry {
  readonly seq: number;
  readonly topic: string;
  /** Sender's token. */
  readonly sender: string;
  /** Server time after which the message has certainly ended: it is not returned any more. Unit: s, rounded up. */
  readonly endsAtSeconds: number;
  /** Server time at which the timer looks after it, not before its end. Unit: s, rounded up. */
  readonly dueAtSeconds: number;
}

/** A run of entries in ascending order. Entries that were read from a stored record are decoded when needed. */
export class PendingChunk {
  #entries: readonly PendingEntry[] | undefined;

  private constructor(
    readonly first: number,
    readonly last: number,
    readonly count: number,
    /** The earliest end, and the earliest time for the timer, among the entries. Unit: s. */
    readonly earliestEndSeconds: number,
    readonly earliestDueSeconds: number,
    entries: readonly PendingEntry[] | undefined,
    private readonly decode: () => readonly PendingEntry[],
  ) {
    this.#entries = entries;
  }

  /** @param entries not empty, ascending by seq */
  static of(entries: readonly PendingEntry[]): PendingChunk {
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) throw new RangeError('A chunk has at least one entry.');
    const earliestEnd = entries.reduce((least, entry) => Math.min(least, entry.endsAtSeconds), Infinity);
    const earliestDue = entries.reduce((least, entry) => Math.min(least, entry.dueAtSeconds), Infinity);
    return new PendingChunk(
      first.seq,
      last.seq,
      entries.length,
      earliestEnd,
      earliestDue,
      entries,
      () => entries,
    );
  }

  static stored(
    summary: Pick<PendingChunk, 'first' | 'last' | 'count' | 'earliestEndSeconds' | 'earliestDueSeconds'>,
    decode: () => readonly PendingEntry[],
  ): PendingChunk {
    const { first, last, count, earliestEndSeconds, earliestDueSeconds } = summary;
    return new PendingChunk(first, last, count, earliestEndSeconds, earliestDueSeconds, undefined, decode);
  }

  get entries(): readonly PendingEntry[] {
    this.#entries ??= this.decode();
    return this.#entries;
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

  /** How many have not ended. */
  liveCount(nowMs: number): number {
    const nowSeconds = nowMs / 1_000;
    return this.chunks.reduce((sum, chunk) => {
      if (chunk.earliestEndSeconds > nowSeconds) return sum + chunk.count;
      return sum + chunk.entries.filter(({ endsAtSeconds }) => endsAtSeconds > nowSeconds).length;
    }, 0);
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
