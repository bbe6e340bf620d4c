// The pending messages of a cursor: read and not yet acknowledged, in stream order. Immutable, in chunks, so that
// a change costs what it touches: an acknowledgement among 20,000 pending copies and re-encodes one chunk.

export interface PendingEntry {
  readonly seq: number;
  readonly topic: string;
  /** Sender's token. */
  readonly sender: string;
  /** Server time after which the message has certainly ended. Unit: s, rounded up. */
  readonly expiresAtSeconds: number;
}

/** A run of entries in ascending order. Entries that were read from a stored record are decoded when needed. */
export class PendingChunk {
  #entries: readonly PendingEntry[] | undefined;

  private constructor(
    readonly first: number,
    readonly last: number,
    readonly count: number,
    /** The earliest end among the entries. Unit: s. */
    readonly earliestEndSeconds: number,
    entries: readonly PendingEntry[] | undefined,
    private readonly decode: () => readonly PendingEntry[],
  ) {
    this.#entries = entries;
  }

  /** @param entries not empty, ascending by seq */
  static of(entries: readonly PendingEntry[]): PendingChunk {
    const [first, last] = [entries[0], entries.at(-1)];
    if (!first || !last) throw new RangeError('A chunk has at least one entry.');
    const earliest = entries.reduce((least, entry) => Math.min(least, entry.expiresAtSeconds), Infinity);
    return new PendingChunk(first.seq, last.seq, entries.length, earliest, entries, () => entries);
  }

  static stored(
    summary: { first: number; last: number; count: number; earliestEndSeconds: number },
    decode: () => readonly PendingEntry[],
  ): PendingChunk {
    const { first, last, count, earliestEndSeconds } = summary;
    return new PendingChunk(first, last, count, earliestEndSeconds, undefined, decode);
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

  has(seq: number): boolean {
    const chunk = this.chunks[this.#chunkIndex(seq)];
    return chunk !== undefined && seq >= chunk.first && chunk.entries.some((entry) => entry.seq === seq);
  }

  /** With further entries; sequences that are there already are left as they are. */
  with(added: readonly PendingEntry[]): PendingList {
    const fresh = added.filter(({ seq }) => !this.has(seq)).sort((one, other) => one.seq - other.seq);
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

  /** Without those that have ended; the same list when none has. */
  withoutEnded(nowMs: number): PendingList {
    const nowSeconds = nowMs / 1_000;
    return this.#filtered(
      (chunk) => chunk.earliestEndSeconds <= nowSeconds,
      ({ expiresAtSeconds }) => expiresAtSeconds > nowSeconds,
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
