import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageIds } from '../../../shared/messages/message-id';

const key = (number: number, fill: number) => ({ number, key: new Uint8Array(32).fill(fill) });
const ids = new MessageIds([key(1, 1)]);
const context = { mailbox: 'aaaaaaaaaaaaaaaaaaaaaaaaaa', generation: 1 };
const sequence = fc.integer({ min: 1, max: 2 ** 48 - 1 });

describe('a message id', () => {
  it('is 24 lower-case hex characters that open to the sequence they were sealed from', () => {
    fc.assert(
      fc.property(sequence, (seq) => {
        const id = ids.seal(seq, context, 1);
        expect(id).toMatch(/^[0-9a-f]{24}$/);
        expect(ids.open(id, context)).toBe(seq);
      }),
    );
  });

  it('is the same each time, and another one for each sequence', () => {
    const sealed = Array.from({ length: 5_000 }, (_none, seq) => ids.seal(seq + 1, context, 1));
    expect(new Set(sealed).size).toBe(sealed.length);
    expect(ids.seal(1, context, 1)).toBe(sealed[0]);
  });

  it('does not open in another mailbox, in another generation of the stream, or under another key', () => {
    fc.assert(
      fc.property(sequence, fc.string(), fc.integer({ min: 2, max: 255 }), (seq, mailbox, generation) => {
        fc.pre(mailbox !== context.mailbox);
        const id = ids.seal(seq, context, 1);
        expect(ids.open(id, { ...context, mailbox })).toBeUndefined();
        expect(ids.open(id, { ...context, generation })).toBeUndefined();
        expect(new MessageIds([key(1, 2)]).open(id, context)).toBeUndefined();
      }),
    );
  });

  it('does not open when any character of it is changed, and neither does any other text', () => {
    fc.assert(
      fc.property(sequence, fc.nat({ max: 23 }), fc.integer({ min: 1, max: 15 }), (seq, at, change) => {
        const id = ids.seal(seq, context, 1);
        const altered = (parseInt(id.charAt(at), 16) ^ change).toString(16);
        expect(ids.open(id.slice(0, at) + altered + id.slice(at + 1), context)).toBeUndefined();
      }),
    );
    for (const text of [
      '',
      '0'.repeat(24),
      'f'.repeat(24),
      '0'.repeat(23),
      '0'.repeat(25),
      '*',
      '>',
      '\0',
      'ABCDEF'.repeat(4),
    ]) {
      expect(ids.open(text, context)).toBeUndefined();
    }
    expect(ids.open(ids.seal(7, context, 1).toUpperCase(), context)).toBeUndefined();
  });

  it('still opens after its key has been replaced, as long as the old one is configured', () => {
    const rotated = new MessageIds([key(2, 2), key(1, 1)]);
    const old = ids.seal(42, context, 1);
    expect(rotated.open(old, context)).toBe(42);
    expect(rotated.seal(42, context, 1)).toBe(old);
    expect(rotated.currentKey).toBe(2);
    expect(rotated.open(rotated.seal(43, context, 2), context)).toBe(43);
  });

  it('of a message whose key is gone is sealed with the current key, so that it can be acknowledged', () => {
    const replaced = new MessageIds([key(2, 2)]);
    expect(replaced.open(replaced.seal(42, context, 1), context)).toBe(42);
  });

  it('reveals nothing of the order of messages', () => {
    const sealed = Array.from({ length: 64 }, (_none, seq) => ids.seal(seq + 1, context, 1));
    expect([...sealed].sort()).not.toEqual(sealed);
    expect(new Set(sealed.map((id) => id.slice(0, 12))).size).toBe(64);
    expect(new Set(sealed.map((id) => id.slice(12))).size).toBe(64);
  });
});
