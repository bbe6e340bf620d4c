// Refresh tokens and the record of a session, which is all refresh tokens that come from one login. Pure.
//
// A session has a current token; using it makes the next one. Because parallel requests of one participant see
// their access token end together and refresh together, a used token is answered again for some seconds, and
// with the *same* next token, so that every answer stays usable. The store holds no token to repeat: the next
// token's secret is HMAC(secret of the used one, nonce in the record), which needs both the token and the record.
//
//   current token            → rotate: it becomes used, the next one current
//   used, within the grace   → repeat: walk the nonces forward to the current token
//   used, after the grace    → revoke: somebody has a copy of a token that the participant has replaced
//   not made by this session → refuse, and change nothing (a MAC tells it from a used one)

import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What the store keeps of a session: hashes and nonces, never a token. JSON-safe. */
export interface SessionRecord {
  readonly did: string;
  /** Number of the current token, from 0. */
  readonly generation: number;
  /** SHA-256 of the current token, base64url. */
  readonly currentHash: string;
  /** Key of the MAC in this session's tokens, base64url: proves that a used token was made here. */
  readonly macKey: string;
  /** The last uses, oldest first; the last one made the current token. */
  readonly rotations: readonly Rotation[];
  /** When the current token ends. Unit: ms since the epoch. */
  readonly expiresAtMs: number;
}

export interface Rotation {
  /** Base64url. */
  readonly nonce: string;
  readonly usedAtMs: number;
}

export interface RefreshPolicy {
  /** Life of a refresh token. Unit: ms. */
  readonly lifeMs: number;
  /** How long a used token is still answered. Unit: ms. */
  readonly graceMs: number;
}

/** The parts of a refresh token; its text is their base64url and says nothing to its holder. */
export interface RefreshToken {
  /** 16 bytes. */
  readonly session: Buffer;
  readonly generation: number;
  /** 32 bytes. */
  readonly secret: Buffer;
  /** 16 bytes. */
  readonly mac: Buffer;
}

export type RefreshDecision =
  | { readonly kind: 'rotate'; readonly record: SessionRecord; readonly refreshToken: string }
  | { readonly kind: 'repeat'; readonly refreshToken: string }
  | { readonly kind: 'revoke' }
  | { readonly kind: 'refuse' };

const sessionBytes = 16;
const generationBytes = 4;
const secretBytes = 32;
const macBytes = 16;
const tokenBytes = sessionBytes + generationBytes + secretBytes + macBytes;

// More uses than this within one grace are no stampede but a loop, whose oldest tokens count as used up.
const maxRotations = 128;

/** A new session's record and its first token. */
export function openSession(
  did: string,
  policy: RefreshPolicy,
  nowMs: number,
): { readonly session: Buffer; readonly record: SessionRecord; readonly refreshToken: string } {
  const session = randomBytes(sessionBytes);
  const macKey = randomBytes(32);
  const refreshToken = printToken(session, 0, randomBytes(secretBytes), macKey);
  const record: SessionRecord = {
    did,
    generation: 0,
    currentHash: hashOf(refreshToken),
    macKey: macKey.toString('base64url'),
    rotations: [],
    expiresAtMs: nowMs + policy.lifeMs,
  };
  return { session, record, refreshToken };
}

/** Reads a token; undefined when it has not the form of one. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.byteLength !== tokenBytes || bytes.toString('base64url') !== text) return undefined;
  const secretAt = sessionBytes + generationBytes;
  return {
    session: bytes.subarray(0, sessionBytes),
    generation: bytes.readUInt32BE(sessionBytes),
    secret: bytes.subarray(secretAt, secretAt + secretBytes),
    mac: bytes.subarray(secretAt + secretBytes),
  };
}

/** A random nonce for one refresh; the same over all tries of it. */
export const newNonce = (): string => randomBytes(16).toString('base64url');

/**
 * What to do with a presented token.
 * @param nonce makes the next token if this turns out to be the current one; a record that already holds it was
 *   written by an earlier try of the same refresh, and is repeated whatever the grace
 */
export function decideRefresh(
  record: SessionRecord,
  token: RefreshToken,
  policy: RefreshPolicy,
  nowMs: number,
  nonce: string,
): RefreshDecision {
  const macKey = Buffer.from(record.macKey, 'base64url');
  const body = tokenBody(token.session, token.generation, token.secret);
  if (!timingSafeEqual(macOf(macKey, body), token.mac)) return { kind: 'refuse' };
  if (record.expiresAtMs <= nowMs || token.generation > record.generation) return { kind: 'refuse' };

  const age = record.generation - token.generation;
  const isCurrent = age === 0;
  const isCurrentHash = (text: string) => hashOf(text) === record.currentHash;
  const forward = (secret: Buffer, nonces: readonly string[]): string =>
    printToken(token.session, token.generation + nonces.length, nonces.reduce(nextSecret, secret), macKey);

  if (isCurrent) {
    if (!isCurrentHash(forward(token.secret, []))) return { kind: 'refuse' };
    const refreshToken = forward(token.secret, [nonce]);
    // Clocks of instances differ; uses stay in order so that those within the grace are always the last ones.
    const usedAtMs = Math.max(nowMs, record.rotations.at(-1)?.usedAtMs ?? 0);
    const rotations = [
      ...record.rotations.filter((rotation) => rotation.usedAtMs + policy.graceMs > nowMs),
      { nonce, usedAtMs },
    ].slice(-maxRotations);
    return {
      kind: 'rotate',
      refreshToken,
      record: {
        ...record,
        generation: record.generation + 1,
        currentHash: hashOf(refreshToken),
        rotations,
        expiresAtMs: nowMs + policy.lifeMs,
      },
    };
  }

  const since = age > record.rotations.length ? [] : record.rotations.slice(-age);
  const use = since[0];
  if (!use || (use.usedAtMs + policy.graceMs <= nowMs && use.nonce !== nonce)) return { kind: 'revoke' };
  const refreshToken = forward(
    token.secret,
    since.map((rotation) => rotation.nonce),
  );
  return isCurrentHash(refreshToken) ? { kind: 'repeat', refreshToken } : { kind: 'refuse' };
}

function nextSecret(secret: Buffer, nonce: string): Buffer {
  return createHmac('sha256', secret).update(`next:${nonce}`).digest();
}

function tokenBody(session: Buffer, generation: number, secret: Buffer): Buffer {
  const number = Buffer.alloc(generationBytes);
  number.writeUInt32BE(generation);
  return Buffer.concat([session, number, secret]);
}

function macOf(macKey: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', macKey).update(body).digest().subarray(0, macBytes);
}

function printToken(session: Buffer, generation: number, secret: Buffer, macKey: Buffer): string {
  const body = tokenBody(session, generation, secret);
  return Buffer.concat([body, macOf(macKey, body)]).toString('base64url');
}

const hashOf = (token: string): string => hash('sha256', token, 'base64url');
