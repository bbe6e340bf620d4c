// Refresh tokens as pure decisions: rotation, the grace for stampedes, revocation, and tokens made up by others.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decideRefresh,
  newNonce,
  openSession,
  parseRefreshToken,
  type RefreshPolicy,
  type SessionRecord,
} from '../../../shared/identity/refresh-token';

const policy: RefreshPolicy = { lifeMs: 1_000_000, graceMs: 10_000 };
const start = 1_760_000_000_000;

function decide(record: SessionRecord, token: string, nowMs: number, options = policy, nonce = newNonce()) {
  const parsed = parseRefreshToken(token);
  if (!parsed) throw new Error('not a refresh token');
  return decideRefresh(record, parsed, options, nowMs, nonce);
}

function rotate(record: SessionRecord, token: string, nowMs: number) {
  const decision = decide(record, token, nowMs);
  if (decision.kind !== 'rotate') throw new Error(decision.kind);
  return decision;
}

describe('the current token', () => {
  const { record, refreshToken } = openSession('did:example:a', policy, start);

  test('is exchanged for another one, and the session lives on from then', () => {
    const next = rotate(record, refreshToken, start + 5_000);
    expect(next.refreshToken).not.toBe(refreshToken);
    expect(next.record).toMatchObject({
      did: 'did:example:a',
      generation: 1,
      expiresAtMs: start + 1_005_000,
    });
    expect(rotate(next.record, next.refreshToken, start + 6_000).record.generation).toBe(2);
  });

  test('is refused when its life has ended', () => {
    expect(decide(record, refreshToken, start + policy.lifeMs - 1).kind).toBe('rotate');
    expect(decide(record, refreshToken, start + policy.lifeMs).kind).toBe('refuse');
  });

  test('is not in the record, nor is its secret', () => {
    const { record: later, refreshToken: token } = rotate(record, refreshToken, start);
    const stored = JSON.stringify(later);
    const secret = parseRefreshToken(token)?.secret.toString('base64url') ?? '';
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(secret);
  });
});

describe('a used token', () => {
  const first = openSession('did:example:a', policy, start);
  const second = rotate(first.record, first.refreshToken, start);

  test('is answered with the same next token within the grace', () => {
    expect(decide(second.record, first.refreshToken, start + 9_999)).toEqual({
      kind: 'repeat',
      refreshToken: second.refreshToken,
    });
  });

  test('is answered with the newest token when that one has been used meanwhile', () => {
    const third = rotate(second.record, second.refreshToken, start + 4_000);
    expect(decide(third.record, first.refreshToken, start + 9_000)).toEqual({
      kind: 'repeat',
      refreshToken: third.refreshToken,
    });
  });

  test('revokes the session after the grace', () => {
    expect(decide(second.record, first.refreshToken, start + 10_000).kind).toBe('revoke');
  });

  test('revokes the session after the grace, however many tokens came since', () => {
    let current = second;
    for (let turn = 1; turn <= 300; turn++)
      current = rotate(current.record, current.refreshToken, start + (turn * 20_000) / 3);
    expect(decide(current.record, first.refreshToken, start + 2_000_000).kind).toBe('revoke');
    expect(current.record.rotations.length).toBeLessThanOrEqual(3);
  });

  test('revokes the session at once when no grace is set', () => {
    expect(decide(second.record, first.refreshToken, start, { ...policy, graceMs: 0 }).kind).toBe('revoke');
  });

  test('is answered even without a grace to the refresh that used it, whose own write it finds', () => {
    const strict = { ...policy, graceMs: 0 };
    const nonce = newNonce();
    const written = decide(first.record, first.refreshToken, start, strict, nonce);
    if (written.kind !== 'rotate') throw new Error(written.kind);
    expect(decide(written.record, first.refreshToken, start + 3_000, strict, nonce)).toEqual({
      kind: 'repeat',
      refreshToken: written.refreshToken,
    });
  });
});

describe('a token that this session did not make', () => {
  const { record, refreshToken } = openSession('did:example:a', policy, start);

  test('is refused and never revokes, whatever byte of a real one is altered', () => {
    const used = rotate(record, refreshToken, start).record;
    const bytes = Buffer.from(refreshToken, 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] ?? 0) ^ flip;
        const text = altered.toString('base64url');
        expect([record, used].map((known) => decide(known, text, start + 60_000).kind)).toEqual([
          'refuse',
          'refuse',
        ]);
      }),
    );
  });

  test('is refused when it comes from another session', () => {
    const other = openSession('did:example:a', policy, start);
    expect(decide(record, other.refreshToken, start).kind).toBe('refuse');
  });

  test('has not the form of one when its text is any other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => expect(parseRefreshToken(text)).toBeUndefined()),
    );
    expect(parseRefreshToken(`${refreshToken}A`)).toBeUndefined();
    expect(parseRefreshToken(`${refreshToken}=`)).toBeUndefined();
    // The last character has bits to spare; only one spelling is right.
    expect(
      parseRefreshToken(refreshToken.slice(0, -1) + nextCharacter(refreshToken.at(-1) ?? '')),
    ).toBeUndefined();
  });
});

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const nextCharacter = (character: string) => alphabet[alphabet.indexOf(character) + 1] ?? '';
