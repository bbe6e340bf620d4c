// The identity token: its form, its times, and that nothing in it can be altered.

import { describe, expect, test } from '@jest/globals';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { createIdentityToken } from '../../../client/identity-token';
import { createKeyPair, didOf } from '../../../client/key-pair';
import { recoverSigner } from '../../../shared/adapters/ethereum/recover-signer';
import {
  type IdentityTokenPolicy,
  parseIdentityToken,
  timeFault,
  verifyIdentityToken,
} from '../../../shared/identity/identity-token';

const nowMs = 1_760_000_000_000;
const nowSeconds = nowMs / 1_000;
const policy: IdentityTokenPolicy = { maxAgeSeconds: 600, clockToleranceSeconds: 30 };
const key = createKeyPair();
const token = createIdentityToken(key, { issuedAtSeconds: nowSeconds });

const verify = (text: string) => verifyIdentityToken(text, recoverSigner, policy, nowMs);
const refused = { code: 'unauthenticated' };
const base64Url = (text: string) => Buffer.from(text).toString('base64url');

const replacements = [
  '',
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= '.split(''),
];

/** The token with another signature, made from the hex of the right one. */
function withSignature(change: (hex: string) => string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, base64Url(change(Buffer.from(signature, 'base64url').toString()))].join('.');
}

describe('a login', () => {
  test.each([
    ['by name', `did:ethr:volta:${key.address}`],
    ['by number in hex', `did:ethr:0x12047:${key.address}`],
    ['left out', `did:ethr:${key.address}`],
    ['with the checksum case of the address', `did:ethr:volta:0x${key.address.slice(2).toUpperCase()}`],
  ])('is accepted with the chain %s, and its DID comes back byte for byte', async (_case, did) => {
    expect(await verify(createIdentityToken(key, { did, issuedAtSeconds: nowSeconds }))).toBe(did);
  });

  test('is accepted twice with the same token, because two logins within a second produce the same', async () => {
    expect([await verify(token), await verify(token)]).toEqual([didOf(key), didOf(key)]);
  });

  test('is accepted with v as a bare recovery bit', async () => {
    const bare = withSignature((hex) => hex.slice(0, -2) + (hex.endsWith('1b') ? '00' : '01'));
    expect(await verify(bare)).toBe(didOf(key));
  });

  test('regression, a token generator for any DID: is refused with the DID of another key', async () => {
    const foreign = createIdentityToken(key, { did: didOf(createKeyPair()), issuedAtSeconds: nowSeconds });
    await expect(verify(foreign)).rejects.toMatchObject(refused);
  });

  test('is refused with the upper half of s, which would be a second spelling of the signature', async () => {
    const order = secp256k1.Point.Fn.ORDER;
    const high = withSignature((hex) => {
      const s = (order - BigInt(`0x${hex.slice(66, 130)}`)).toString(16).padStart(64, '0');
      return hex.slice(0, 66) + s + (hex.endsWith('1b') ? '1c' : '1b');
    });
    await expect(verify(high)).rejects.toMatchObject(refused);
  });

  test.each(['02', '1d', '1a', '25', 'ff'])('is refused with v = 0x%s', async (v) => {
    await expect(verify(withSignature((hex) => hex.slice(0, -2) + v))).rejects.toMatchObject(refused);
  });

  test.each([
    ['r zero', (hex: string) => `0x${'0'.repeat(64)}${hex.slice(66)}`],
    ['s zero', (hex: string) => `${hex.slice(0, 66)}${'0'.repeat(64)}${hex.slice(130)}`],
    ['r beyond the order', (hex: string) => `0x${'f'.repeat(64)}${hex.slice(66)}`],
    ['no 0x', (hex: string) => hex.slice(2)],
    ['a byte too many', (hex: string) => `${hex}00`],
    ['upper case hex', (hex: string) => `0x${hex.slice(2).toUpperCase()}`],
  ])('is refused with a signature that has %s', async (_case, change) => {
    await expect(verify(withSignature(change))).rejects.toMatchObject(refused);
  });

  test('is refused when any one character of the token is another, or missing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...replacements),
        async (at, replacement) => {
          fc.pre(token[at] !== replacement);
          const altered = token.slice(0, at) + replacement + token.slice(at + 1);
          await expect(verify(altered)).rejects.toMatchObject(refused);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('is refused for any text at all that is not a token', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc
            .array(fc.string(), { minLength: 3, maxLength: 3 })
            .map((parts) => parts.map(base64Url).join('.')),
        ),
        async (text) => {
          await expect(verify(text)).rejects.toMatchObject(refused);
        },
      ),
    );
  });
});

describe('the form', () => {
  const claims = { iss: didOf(key), iat: nowSeconds, exp: nowSeconds + 300 };
  const tokenOf = (header: string, payload: string) =>
    `${base64Url(header)}.${base64Url(payload)}.${base64Url(`0x${'11'.repeat(65)}`)}`;

  test('is right with other members and any alg', () => {
    expect(
      parseIdentityToken(tokenOf('{"alg":"none"}', JSON.stringify({ ...claims, extra: [] }))),
    ).toMatchObject({
      did: didOf(key),
      address: key.address,
      issuedAtSeconds: nowSeconds,
    });
  });

  test.each([
    ['a header that is no object', tokenOf('[]', JSON.stringify(claims))],
    ['a payload that is no JSON', tokenOf('{}', '{')],
    ['a payload that is a list', tokenOf('{}', '[]')],
    ['no iss', tokenOf('{}', JSON.stringify({ ...claims, iss: undefined }))],
    ['an iss of another method', tokenOf('{}', JSON.stringify({ ...claims, iss: 'did:web:example.org' }))],
    ['an address that is too short', tokenOf('{}', JSON.stringify({ ...claims, iss: 'did:ethr:0x12' }))],
    ['an iss with a line break', tokenOf('{}', JSON.stringify({ ...claims, iss: `${didOf(key)}\n` }))],
    ['no iat', tokenOf('{}', JSON.stringify({ ...claims, iat: undefined }))],
    ['no exp', tokenOf('{}', JSON.stringify({ ...claims, exp: undefined }))],
    ['an exp that is a text', tokenOf('{}', JSON.stringify({ ...claims, exp: '9999999999' }))],
    ['an exp beyond all numbers', tokenOf('{}', `{"iss":"${didOf(key)}","iat":1,"exp":1e999}`)],
    ['four parts', `${token}.e30`],
    ['two parts', token.slice(0, token.lastIndexOf('.'))],
  ])('is wrong with %s', (_case, text) => {
    expect(parseIdentityToken(text)).toBeUndefined();
  });
});

describe('the times', () => {
  const at = (issued: number, expires: number, notBefore?: number) =>
    timeFault(
      {
        issuedAtSeconds: nowSeconds + issued,
        expiresAtSeconds: nowSeconds + expires,
        notBeforeSeconds: notBefore === undefined ? undefined : nowSeconds + notBefore,
      },
      policy,
      nowSeconds,
    );

  test.each([
    ['fresh', 0, 300],
    ['issued as far in the future as clocks may be off', 30, 330],
    ['ended no longer ago than clocks may be off', -300, -29],
    ['as old as it may be', -599, 1],
  ])('are right for a token that is %s', (_case, issued, expires) => {
    expect(at(issued, expires)).toBeUndefined();
  });

  test.each([
    ['ends when it begins', 0, 0],
    ['ends before it begins', 0, -1],
    ['lives for too long', 0, 601],
    ['comes from the future', 31, 331],
    ['has expired', -300, -30],
  ])('are wrong for a token that %s', (_case, issued, expires) => {
    expect(at(issued, expires)).toBeDefined();
  });

  test('are wrong before nbf', () => {
    expect(at(0, 300, 31)).toBeDefined();
    expect(at(0, 300, 30)).toBeUndefined();
  });
});
