// The stored form of a cursor: variable-length integers and differences, about two bytes for a pending message of
// a steady flow. Chunks of pending messages keep their bytes, so that writing costs what changed.
//
//   version 1 | generation | start | from + 1 in ms or 0 for none | names | sender sets | positions | nonces | pending chunks
//   name      = length, ASCII            (topic ids and sender tokens, each once)
//   set       = count, name indexes as ascending differences
//   position  = topic + 1 or 0 for any, set + 1 or 0 for any, readThrough, time in ms
//   chunk     = first, last − first, count, earliest end in s, earliest due time in s, bytes, entries
//   entry     = 2 × difference of seq + 1 when topic, sender and times are those of the entry before, else
//               2 × difference, topic, sender, end in s, due time − end in s

import type { Cursor, InstanceNonce } from './cursor';
import { PendingChunk, type PendingEntry, PendingList } from './pending-list';
import { type Position, Positions, SenderSet } from './positions';

const version = 1;

class Writer {
  #bytes = Buffer.allocUnsafe(1_024);
  #length = 0;

  integer(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  text(value: string): void {
    this.integer(value.length);
    this.#reserve(value.length);
    this.#length += this.#bytes.write(value, this.#length, 'latin1');
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
  }

  result(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.byteLength * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

class Reader {
  #at = 0;

  constructor(private readonly buffer: Uint8Array) {}

  integer(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.buffer[this.#at++];
      if (byte === undefined) throw new RangeError('A cursor record ends early.');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    return Buffer.from(this.bytes()).toString('latin1');
  }

  bytes(): Uint8Array {
    const length = this.integer();
    const bytes = this.buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.integer() }, read);
  }
}

/**
 * Names of one line of versions of a record. It only grows, so that the bytes of an unchanged chunk stay valid;
 * a record that is read anew begins a new one.
 */
class NameTable {
  readonly #indexes = new Map<string, number>();

  constructor(readonly names: string[] = []) {
    names.forEach((name, index) => this.#indexes.set(name, index));
  }

  indexOf(name: string): number {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    this.#indexes.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}

/** Bytes of a chunk under a name table. */
const chunkBytes = new WeakMap<PendingChunk, { readonly table: NameTable; readonly bytes: Uint8Array }>();
/** Beyond this many unused names per used one the table is made anew. */
const slack = 2;
const smallTable = 64;

/** Encodes and decodes the versions of one cursor record. */
export class CursorCodec {
  #table = new NameTable();
  /** Names in use when they were last counted, which takes a look at every pending message. */
  #namesUsed = 0;

  encode(cursor: Cursor): Buffer {
    if (this.#table.names.length > slack * this.#namesUsed + smallTable) this.#dropUnusedNames(cursor);
    const body = new Writer();
    const sets = [...new Set(cursor.positions.list.flatMap(({ senders }) => senders ?? []))];
    const setIndex = new Map(sets.map((set, index) => [set, index]));
    body.integer(sets.length);
    for (const set of sets) this.#writeSet(body, set);
    body.integer(cursor.positions.list.length);
    for (const { topic, senders, readThrough, timeMs } of cursor.positions) {
      body.integer(topic === null ? 0 : this.#table.indexOf(topic) + 1);
      body.integer(senders === null ? 0 : (setIndex.get(senders) ?? 0) + 1);
      body.integer(readThrough);
      body.integer(timeMs);
    }
    body.integer(cursor.nonces.length);
    for (const { instance, nonce, timeMs } of cursor.nonces) {
      body.text(instance);
      body.integer(nonce);
      body.integer(timeMs);
    }
    body.integer(cursor.pending.chunks.length);
    for (const chunk of cursor.pending.chunks) {
      const bytes = this.#encodeChunk(chunk);
      const { first, last, count, earliestEndSeconds, earliestDueSeconds } = chunk;
      for (const number of [first, last - first, count, earliestEndSeconds, earliestDueSeconds]) {
        body.integer(number);
      }
      body.integer(bytes.byteLength);
      body.bytes(bytes);
    }
    // The names stand first but are complete only now.
    const head = new Writer();
    const from = cursor.fromMs === -Infinity ? 0 : Math.max(0, cursor.fromMs) + 1;
    for (const number of [version, cursor.generation, cursor.start, from]) head.integer(number);
    head.integer(this.#table.names.length);
    for (const name of this.#table.names) head.text(name);
    return Buffer.concat([head.result(), body.result()]);
  }

  /** @throws RangeError when the bytes are not a cursor of a known version */
  decode(bytes: Uint8Array): Cursor {
    const reader = new Reader(bytes);
    const found = reader.integer();
    if (found !== version)
      throw new RangeError(`Cursor records of version ${found} are not known to this program.`);
    const generation = reader.integer();
    const start = reader.integer();
    const from = reader.integer();
    const names = reader.list(() => reader.text());
    const table = new NameTable(names);
    this.#table = table;
    this.#namesUsed = names.length;
    const nameAt = (index: number): string => names[index] ?? '';
    const sets = reader.list(() => readSet(reader, nameAt));
    const positions = reader.list((): Position => {
      const topic = reader.integer();
      const set = reader.integer();
      const readThrough = reader.integer();
      const timeMs = reader.integer();
      return {
        topic: topic === 0 ? null : nameAt(topic - 1),
        senders: set === 0 ? null : (sets[set - 1] ?? null),
        readThrough,
        timeMs,
      };
    });
    const nonces = reader.list((): InstanceNonce => ({
      instance: reader.text(),
      nonce: reader.integer(),
      timeMs: reader.integer(),
    }));
    const chunks = reader.list(() => {
      const first = reader.integer();
      const last = first + reader.integer();
      const count = reader.integer();
      const earliestEndSeconds = reader.integer();
      const earliestDueSeconds = reader.integer();
      const encoded = reader.bytes();
      const chunk = PendingChunk.stored({ first, last, count, earliestEndSeconds, earliestDueSeconds }, () =>
        decodeEntries(encoded, first, count, nameAt),
      );
      chunkBytes.set(chunk, { table, bytes: encoded });
      return chunk;
    });
    return {
      generation,
      start,
      fromMs: from === 0 ? -Infinity : from - 1,
      positions: Positions.of(positions),
      pending: new PendingList(chunks),
      nonces,
    };
  }

  #writeSet(writer: Writer, set: SenderSet): void {
    const indexes = set.sorted.map((name) => this.#table.indexOf(name)).sort((one, other) => one - other);
    writer.integer(indexes.length);
    indexes.forEach((index, at) => {
      writer.integer(index - (indexes[at - 1] ?? 0));
    });
  }

  #encodeChunk(chunk: PendingChunk): Uint8Array {
    const known = chunkBytes.get(chunk);
    if (known?.table === this.#table) return known.bytes;
    const writer = new Writer();
    let previous: PendingEntry | undefined;
    for (const entry of chunk.entries) {
      const difference = entry.seq - (previous?.seq ?? chunk.first);
      const same =
        entry.topic === previous?.topic &&
        entry.sender === previous.sender &&
        entry.endsAtSeconds === previous.endsAtSeconds &&
        entry.dueAtSeconds === previous.dueAtSeconds;
      writer.integer(2 * difference + (same ? 1 : 0));
      if (!same) {
        writer.integer(this.#table.indexOf(entry.topic));
        writer.integer(this.#table.indexOf(entry.sender));
        writer.integer(entry.endsAtSeconds);
        writer.integer(entry.dueAtSeconds - entry.endsAtSeconds);
      }
      previous = entry;
    }
    const bytes = writer.result();
    chunkBytes.set(chunk, { table: this.#table, bytes });
    return bytes;
  }

  #dropUnusedNames(cursor: Cursor): void {
    const used = new Set<string>();
    for (const { topic, senders } of cursor.positions) {
      if (topic !== null) used.add(topic);
      for (const sender of senders?.sorted ?? []) used.add(sender);
    }
    for (const { topic, sender } of cursor.pending) used.add(topic).add(sender);
    if (this.#table.names.length > slack * used.size + smallTable) this.#table = new NameTable();
    this.#namesUsed = used.size;
  }
}

function readSet(reader: Reader, nameAt: (index: number) => string): SenderSet {
  let index = 0;
  return new SenderSet(
    reader.list(() => {
      index += reader.integer();
      return nameAt(index);
    }),
  );
}

function decodeEntries(
  bytes: Uint8Array,
  first: number,
  count: number,
  nameAt: (index: number) => string,
): readonly PendingEntry[] {
  const reader = new Reader(bytes);
  let previous: PendingEntry | undefined;
  return Array.from({ length: count }, () => {
    const head = reader.integer();
    const seq = (previous?.seq ?? first) + Math.floor(head / 2);
    let entry: PendingEntry;
    if (head % 2 === 1 && previous) {
      entry = { ...previous, seq };
    } else {
      const topic = nameAt(reader.integer());
      const sender = nameAt(reader.integer());
      const endsAtSeconds = reader.integer();
      entry = { seq, topic, sender, endsAtSeconds, dueAtSeconds: endsAtSeconds + reader.integer() };
    }
    previous = entry;
    return entry;
  });
}
