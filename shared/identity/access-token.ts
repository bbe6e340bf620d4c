// Ports: making access tokens and verifying them. Claims are did, roles, iss, aud, iat, exp and jti (contract §2).

import type { Caller } from './caller';

export interface AccessTokenIssuer {
  /** A signed token for a caller, valid from `nowMs` for the configured life. */
  issue(caller: Caller, nowMs: number): Promise<string>;
  /** Public parts of all keys that verify, as a JWK Set (RFC 7517 §5). */
  publicKeys(): Promise<{ readonly keys: readonly PublicKey[] }>;
}

/** A public elliptic-curve key (RFC 7518 §6.2.1). */
export interface PublicKey {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: string;
  readonly use: string;
}

export interface VerifiedToken {
  readonly caller: Caller;
  /** Claim `exp`. Unit: ms since the epoch. */
  readonly expiresAtMs: number;
}

export interface AccessTokenVerifier {
  /**
   * Checks signature, algorithm, issuer, audience and expiry.
   * @throws BrokerError `unauthenticated` for whatever is wrong with the token; `issuer-unavailable` when the keys
   *   of its issuer cannot be had, which is not the caller's fault
   */
  verify(token: string, nowMs: number): Promise<VerifiedToken>;
}
