// From an Authorization header to a caller. Missing, malformed, invalid or expired → 401; valid but without a user
// role → 403 (contract §0.1: a gateway logs in only as a reaction to 401, and takes 403 for good).

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { BrokerError } from '../broker-error';
import type { Clock } from '../clock';
import type { AccessTokenVerifier, VerifiedToken } from './access-token';
import type { Caller } from './caller';
import { compileRolePattern } from './role-pattern';

export interface AuthenticatorOptions {
  readonly verifier: AccessTokenVerifier;
  /** Pattern of the role that every call needs. */
  readonly userRolePattern: string;
  readonly clock: Clock;
}

/**
 * One entry is one participant's token of the last quarter of an hour: measured, 535 bytes with two roles. Both bounds
 * hold: a token may have 16,000 characters, and what it says takes about as many bytes. A participant that falls out
 * pays 120 µs with its next call.
 */
const maxCachedTokens = 50_000;
const maxCachedBytes = 32 * 1024 * 1024;
/** Unit: characters. Far above a token with a hundred roles, below Node's limit for all headers. */
const maxTokenLength = 16_000;

/**
 * A function that turns an Authorization header into its caller. What a token said is remembered until it expires,
 * under the token's hash: with it 2 µs, without 120 µs (ES256, one core). Failures are not remembered.
 * @throws BrokerError `unauthenticated`, `forbidden` or `issuer-unavailable` (from the function)
 */
export function createAuthenticator(
  options: AuthenticatorOptions,
): (authorization: string | null) => Promise<Caller> {
  const { verifier, clock } = options;
  const isUserRole = compileRolePattern(options.userRolePattern);
  const verified = new LRUCache<string, VerifiedToken & { readonly mayCall: boolean }>({
    max: maxCachedTokens,
    maxSize: maxCachedBytes,
  });
  return async (authorization) => {
    const token = bearerToken(authorization);
    const key = hash('sha256', token, 'base64');
    const nowMs = clock();
    let known = verified.get(key);
    if (!known || known.expiresAtMs <= nowMs) {
      const fresh = await verifier.verify(token, nowMs);
      known = { ...fresh, mayCall: fresh.caller.roles.some(isUserRole) };
      verified.set(key, known, { size: token.length });
    }
    if (!known.mayCall)
      throw new BrokerError('forbidden', 'The token has no role that lets it use the broker.');
    return known.caller;
  };
}

function bearerToken(authorization: string | null): string {
  // RFC 6750 §2.1, RFC 9110 §11.1: the scheme's name ignores case. The token's alphabet is that of a compact JWS.
  const token = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined || token.length > maxTokenLength) {
    throw new BrokerError(
      'unauthenticated',
      'Log in at POST /auth/login and send the access token as Bearer token.',
    );
  }
  return token;
}
