// Bytes of a stored record: integers of variable length (seven bits to a byte, the lowest first), texts and bytes
// behind their length.

/** Appends to a buffer that grows. */
export class Writer {
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
    this.integer(value.byteLength);
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

/** Reads from a buffer what a Writer wrote. */
export class Reader {
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
