// The stored form of a cursor: variable-length integers and differences, about two bytes for a pending message of
// a steady flow. Chunks of pending messages keep their bytes, so that writing costs what changed.
//
//   version 3 | generation | start | from + 1 in ms or 0 for none | last grant | names | sender sets | positions | nonces |
//   pending chunks
//   name      = length, ASCII            (topic ids and sender tokens, each once)
//   set       = count, name indexes as ascending differences
//   position  = topic + 1 or 0 for any, set + 1 or 0 for any, readThrough, time in ms
//   chunk     = first, last − first, count, dead letters, earliest end in s, earliest due time in s, bytes, entries
//   entry     = 8 × difference of seq + flags, then
//               unless flag 1 (those of the entry before): topic, sender, key number + 1 or 0 for not known, end in s,
//               due time − end in s
//               unless flag 2 (those of the entry before): deliveries, grant, leased until in ms
//               with flag 4 (a dead letter): since when in ms, reason in UTF-8
//
// Version 2 had no key numbers. Version 1 had no leases either: no last grant, no dead letters in the chunk, and
// entries of 2 × difference + flag 1.

import type { Cursor, InstanceNonce } from './cursor';
import { neverLeased, PendingChunk, type PendingEntry, PendingList } from './pending-list';
import { type Position, Positions, SenderSet } from './positions';
import { Reader, Writer } from './variable-length';

const version = 3;
const sameMessage = 1;
const sameLease = 2;
const isDead = 4;
const flags = 8;

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
      const { first, last, count, deadCount, earliestEndSeconds, earliestDueSeconds } = chunk;
      for (const number of [first, last - first, count, deadCount, earliestEndSeconds, earliestDueSeconds]) {
        body.integer(number);
      }
      body.bytes(bytes);
    }
    // The names stand first but are complete only now.
    const head = new Writer();
    const from = cursor.fromMs === -Infinity ? 0 : Math.max(0, cursor.fromMs) + 1;
    for (const number of [version, cursor.generation, cursor.start, from, cursor.lastGrant]) {
      head.integer(number);
    }
    head.integer(this.#table.names.length);
    for (const name of this.#table.names) head.text(name);
    return Buffer.concat([head.result(), body.result()]);
  }

  /** @throws RangeError when the bytes are not a cursor of a known version */
  decode(bytes: Uint8Array): Cursor {
    const reader = new Reader(bytes);
    const found = reader.integer();
    if (found < 1 || found > version)
      throw new RangeError(`Cursor records of version ${found} are not known to this program.`);
    const generation = reader.integer();
    const start = reader.integer();
    const from = reader.integer();
    const lastGrant = found === 1 ? 0 : reader.integer();
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
      const deadCount = found === 1 ? 0 : reader.integer();
      const earliestEndSeconds = reader.integer();
      const earliestDueSeconds = reader.integer();
      const encoded = reader.bytes();
      const summary = { first, last, count, deadCount, earliestEndSeconds, earliestDueSeconds };
      const chunk = PendingChunk.stored(summary, () =>
        decodeEntries(encoded, { first, count, version: found }, nameAt),
      );
      if (found === version) chunkBytes.set(chunk, { table, bytes: encoded });
      return chunk;
    });
    return {
      generation,
      start,
      fromMs: from === 0 ? -Infinity : from - 1,
      lastGrant,
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
    let previous: PendingEntry = { ...nobody, seq: chunk.first };
    for (const entry of chunk.entries) {
      const isSameMessage =
        entry.topic === previous.topic &&
        entry.sender === previous.sender &&
        entry.keyNumber === previous.keyNumber &&
        entry.endsAtSeconds === previous.endsAtSeconds &&
        entry.dueAtSeconds === previous.dueAtSeconds;
      const isSameLease =
        entry.grant === previous.grant &&
        entry.deliveries === previous.deliveries &&
        entry.leaseUntilMs === previous.leaseUntilMs;
      writer.integer(
        flags * (entry.seq - previous.seq) +
          (isSameMessage ? sameMessage : 0) +
          (isSameLease ? sameLease : 0) +
          (entry.dead ? isDead : 0),
      );
      if (!isSameMessage) {
        writer.integer(this.#table.indexOf(entry.topic));
        writer.integer(this.#table.indexOf(entry.sender));
        writer.integer(entry.keyNumber === undefined ? 0 : entry.keyNumber + 1);
        writer.integer(entry.endsAtSeconds);
        writer.integer(entry.dueAtSeconds - entry.endsAtSeconds);
      }
      if (!isSameLease) {
        writer.integer(entry.deliveries);
        writer.integer(entry.grant);
        writer.integer(entry.leaseUntilMs);
      }
      if (entry.dead) {
        writer.integer(entry.dead.atMs);
        writer.bytes(Buffer.from(entry.dead.reason));
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

/** What the first entry of a chunk is compared with. */
const nobody: PendingEntry = {
  seq: 0,
  topic: '',
  sender: '',
  keyNumber: undefined,
  endsAtSeconds: 0,
  dueAtSeconds: 0,
  ...neverLeased,
};

function decodeEntries(
  bytes: Uint8Array,
  chunk: { readonly first: number; readonly count: number; readonly version: number },
  nameAt: (index: number) => string,
): readonly PendingEntry[] {
  const reader = new Reader(bytes);
  let previous: PendingEntry = { ...nobody, seq: chunk.first };
  return Array.from({ length: chunk.count }, () => {
    const head = reader.integer();
    const scale = chunk.version === 1 ? 2 : flags;
    const flag = chunk.version === 1 ? (head % 2) + sameLease : head % flags;
    const message = flag & sameMessage ? previous : readMessage(reader, nameAt, chunk.version);
    const lease = flag & sameLease ? previous : readLease(reader);
    const entry: PendingEntry = {
      seq: previous.seq + Math.floor(head / scale),
      topic: message.topic,
      sender: message.sender,
      keyNumber: message.keyNumber,
      endsAtSeconds: message.endsAtSeconds,
      dueAtSeconds: message.dueAtSeconds,
      deliveries: lease.deliveries,
      grant: lease.grant,
      leaseUntilMs: lease.leaseUntilMs,
      dead:
        flag & isDead
          ? { atMs: reader.integer(), reason: Buffer.from(reader.bytes()).toString() }
          : undefined,
    };
    previous = entry;
    return entry;
  });
}

function readMessage(reader: Reader, nameAt: (index: number) => string, version: number) {
  const topic = nameAt(reader.integer());
  const sender = nameAt(reader.integer());
  const key = version < 3 ? 0 : reader.integer();
  const keyNumber = key === 0 ? undefined : key - 1;
  const endsAtSeconds = reader.integer();
  return { topic, sender, keyNumber, endsAtSeconds, dueAtSeconds: endsAtSeconds + reader.integer() };
}

function readLease(reader: Reader) {
  return { deliveries: reader.integer(), grant: reader.integer(), leaseUntilMs: reader.integer() };
}
