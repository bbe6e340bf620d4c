import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LeaseTokens } from '../../../shared/messages/lease-tokens';
import { MessageIds } from '../../../shared/messages/message-id';

const key = (number: number, fill: number) => ({ number, key: new Uint8Array(32).fill(fill) });
const tokensOf = (...keys: ReturnType<typeof key>[]) => new LeaseTokens(keys, new MessageIds(keys));
const tokens = tokensOf(key(1, 1));
const context = { mailbox: 'aaaaaaaaaaaaaaaaaaaaaaaaaa', generation: 1, clientId: 'worker' };
const content = fc.record({
  seq: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  grant: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  from: fc.oneof(fc.constant(''), fc.bigInt({ min: 0n, max: 10n ** 19n }).map(String)),
});

describe('a lease token', () => {
  it('says what it was signed for, in characters that need no escaping', () => {
    fc.assert(
      fc.property(content, (lease) => {
        const token = tokens.sign(lease, context, 1);
        expect(token).toMatch(/^[\w-]{40,200}$/);
        expect(tokens.verify(token, context)).toEqual(lease);
      }),
    );
  });

  it('counts nowhere else: in another mailbox, generation, or client id, or under another key', () => {
    fc.assert(
      fc.property(content, fc.string(), fc.integer({ min: 2, max: 255 }), (lease, other, generation) => {
        fc.pre(other !== context.mailbox && other !== context.clientId);
        const token = tokens.sign(lease, context, 1);
        expect(tokens.verify(token, { ...context, mailbox: other })).toBeUndefined();
        expect(tokens.verify(token, { ...context, clientId: other })).toBeUndefined();
        expect(tokens.verify(token, { ...context, generation })).toBeUndefined();
        expect(tokensOf(key(1, 2)).verify(token, context)).toBeUndefined();
        expect(tokensOf(key(2, 1)).verify(token, context)).toBeUndefined();
      }),
    );
  });

  it('is none when any byte of it is altered, when it is cut, or when it goes on', () => {
    fc.assert(
      fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), (lease, position, change) => {
        const token = tokens.sign(lease, context, 1);
        const bytes = Buffer.from(token, 'base64url');
        const at = position % bytes.byteLength;
        bytes.writeUInt8(bytes.readUInt8(at) ^ change, at);
        expect(tokens.verify(bytes.toString('base64url'), context)).toBeUndefined();
        expect(tokens.verify(token.slice(0, position % token.length), context)).toBeUndefined();
        expect(tokens.verify(`${token}AAAA`, context)).toBeUndefined();
      }),
    );
  });

  it('is one text only: other spellings of the same bytes are none', () => {
    const token = tokens.sign({ seq: 7, grant: 9, from: '' }, context, 1);
    for (const spelling of [`${token}=`, `${token}\n`, ` ${token}`, token.replaceAll('_', '/')]) {
      if (spelling !== token) expect(tokens.verify(spelling, context)).toBeUndefined();
    }
  });

  it('is no text that somebody makes up', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' })), (text) => {
        expect(tokens.verify(text, context)).toBeUndefined();
      }),
    );
    expect(tokens.verify('A'.repeat(1_000), context)).toBeUndefined();
  });

  it('still counts after the keys were rotated, until its key is gone', () => {
    const token = tokens.sign({ seq: 7, grant: 9, from: '' }, context, 1);
    const rotated = tokensOf(key(2, 2), key(1, 1));
    expect(rotated.verify(token, context)).toEqual({ seq: 7, grant: 9, from: '' });
    // A message of before keeps the key of its id; its lease is signed with the new one.
    const renewed = rotated.sign({ seq: 7, grant: 10, from: '' }, context, 1);
    expect(rotated.verify(renewed, context)).toEqual({ seq: 7, grant: 10, from: '' });
    expect(tokens.verify(renewed, context)).toBeUndefined();
    expect(tokensOf(key(2, 2)).verify(token, context)).toBeUndefined();
  });
});
