// Messages of MS-TDS 7.4 (https://learn.microsoft.com/openspecs/windows_protocols/ms-tds), as far as a server needs
// them that answers sp_executesql and transaction requests and knows two types: nvarchar and bigint.

import type { Socket } from 'node:net';

export interface TdsParameter {
  /** With its `@`. */
  readonly name: string;
  /** As declared on the wire. */
  readonly type: 'nvarchar(4000)' | 'nvarchar(max)' | 'bigint' | 'other';
  readonly value: string | bigint | null;
}

const headerLength = 8;
const maxPacketLength = 4_096;
const lastPacket = 1;

/** Whole messages, their packets joined (§2.2.3). */
export async function* readPackets(socket: Socket): AsyncGenerator<{ type: number; data: Buffer }> {
  let pending = Buffer.alloc(0);
  let parts: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= headerLength && pending.length >= pending.readUInt16BE(2)) {
      const length = pending.readUInt16BE(2);
      const type = pending.readUInt8(0);
      const isLast = (pending.readUInt8(1) & lastPacket) !== 0;
      parts.push(pending.subarray(headerLength, length));
      pending = pending.subarray(length);
      if (isLast) {
        yield { type, data: Buffer.concat(parts) };
        parts = [];
      }
    }
  }
}

class Reader {
  #offset = 0;

  constructor(readonly data: Buffer) {}

  get hasMore(): boolean {
    return this.#offset < this.data.length;
  }

  take(length: number): Buffer {
    const part = this.data.subarray(this.#offset, this.#offset + length);
    if (part.length < length) throw new RangeError('the message ends early');
    this.#offset += length;
    return part;
  }

  byte = (): number => this.take(1).readUInt8();
  short = (): number => this.take(2).readUInt16LE();
  int = (): number => this.take(4).readUInt32LE();
  /** B_VARCHAR: a byte with the length in characters, then UTF-16. */
  name = (): string => this.take(2 * this.byte()).toString('utf16le');
}

/** An RPC request for sp_executesql (§2.2.6.6): the statement, its declarations, its values. */
export function readExecuteSql(data: Buffer): { sql: string; parameters: readonly TdsParameter[] } {
  const reader = new Reader(data);
  reader.take(reader.int() - 4);
  if (reader.short() !== 0xffff || reader.short() !== 10) throw new Error('not sp_executesql');
  reader.short();
  const all: TdsParameter[] = [];
  while (reader.hasMore) all.push(readParameter(reader));
  const [statement, , ...parameters] = all;
  return { sql: String(statement?.value), parameters };
}

function readParameter(reader: Reader): TdsParameter {
  const name = reader.name();
  reader.byte();
  const type = reader.byte();
  if (type === 0x26) {
    const width = reader.byte();
    const length = reader.byte();
    const value = length === 0 ? null : reader.take(8).readBigInt64LE();
    return { name, type: width === 8 ? 'bigint' : 'other', value };
  }
  if (type !== 0xe7) throw new Error(`a parameter of type 0x${type.toString(16)}`);
  const maxBytes = reader.short();
  reader.take(5);
  const declared = maxBytes === 0xffff ? 'nvarchar(max)' : maxBytes === 8_000 ? 'nvarchar(4000)' : 'other';
  return { name, type: declared, value: maxBytes === 0xffff ? readLong(reader) : readShort(reader) };
}

function readShort(reader: Reader): string | null {
  const length = reader.short();
  return length === 0xffff ? null : reader.take(length).toString('utf16le');
}

/** PLP (§2.2.5.2.3): the whole length, known or not, then chunks until an empty one. */
function readLong(reader: Reader): string | null {
  if (reader.take(8).readBigUInt64LE() === 0xffff_ffff_ffff_ffffn) return null;
  const chunks: Buffer[] = [];
  for (let length = reader.int(); length > 0; length = reader.int()) chunks.push(reader.take(length));
  return Buffer.concat(chunks).toString('utf16le');
}

const collation = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);
const descriptor = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const doneMore = 0x01;
const doneError = 0x02;
const doneCount = 0x10;

/** A reply as a sequence of tokens (§2.2.7). */
export class TdsReply {
  readonly #tokens: Buffer[] = [];

  /** Version, and no encryption (§2.2.6.5). */
  prelogin(): this {
    return this.#add(Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2]));
  }

  loginAccepted(): this {
    const body = Buffer.concat([
      Buffer.from([1, 0x74, 0, 0, 4]),
      name('stand-in'),
      Buffer.from([16, 0, 0, 0]),
    ]);
    return this.#add(Buffer.from([0xad]), short(body.length), body);
  }

  error(number: number, message: string): this {
    const text = message.slice(0, 500);
    const body = Buffer.concat([
      int(number),
      Buffer.from([1, 14]),
      short(text.length),
      Buffer.from(text, 'utf16le'),
      name(''),
      name(''),
      int(1),
    ]);
    return this.#add(Buffer.from([0xaa]), short(body.length), body);
  }

  transactionBegun(): this {
    return this.#environmentChange(Buffer.concat([Buffer.from([8, 8]), descriptor, Buffer.from([0])]));
  }

  /** @param type 9 for a commit, 10 for a rollback */
  transactionEnded(type: 9 | 10): this {
    return this.#environmentChange(Buffer.concat([Buffer.from([type, 0, 8]), descriptor]));
  }

  rows(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): this {
    this.#add(Buffer.from([0x81]), short(columns.length));
    for (const column of columns) {
      this.#add(int(0), short(9), Buffer.from([0xe7]), short(0xffff), collation, name(column));
    }
    for (const row of rows) this.#add(Buffer.from([0xd1]), ...row.map(longText));
    return this;
  }

  rowCount(count: number): this {
    return this.#done(0xff, doneMore | doneCount, count);
  }

  done(): this {
    return this.#done(0xfd, 0, 0);
  }

  failed(): this {
    return this.#done(0xfd, doneError, 0);
  }

  toPackets(): Buffer {
    const data = Buffer.concat(this.#tokens);
    const packets: Buffer[] = [];
    const room = maxPacketLength - headerLength;
    for (let start = 0; start < data.length; start += room) {
      const part = data.subarray(start, start + room);
      const header = Buffer.alloc(headerLength);
      header.writeUInt8(4, 0);
      header.writeUInt8(start + room >= data.length ? lastPacket : 0, 1);
      header.writeUInt16BE(headerLength + part.length, 2);
      packets.push(header, part);
    }
    return Buffer.concat(packets);
  }

  #environmentChange(body: Buffer): this {
    return this.#add(Buffer.from([0xe3]), short(body.length), body);
  }

  #done(token: number, status: number, count: number): this {
    const rows = Buffer.alloc(8);
    rows.writeBigUInt64LE(BigInt(count));
    return this.#add(Buffer.from([token]), short(status), short(0), rows);
  }

  #add(...parts: readonly Buffer[]): this {
    this.#tokens.push(...parts);
    return this;
  }
}

function short(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function name(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')]);
}

function longText(text: string | null): Buffer {
  if (text === null) return Buffer.alloc(8, 0xff);
  const data = Buffer.from(text, 'utf16le');
  const total = Buffer.alloc(8);
  total.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([total, ...(data.length ? [int(data.length), data] : []), int(0)]);
}
