// Access tokens signed with ES256 and verified with `jose`: the broker's own, and those of trusted issuers by the
// keys they publish.

import { randomUUID } from 'node:crypto';
import type { CryptoKey, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { BrokerError } from '../../broker-error';
import { isDid } from '../../identity/did';
import type {
  AccessTokenIssuer,
  AccessTokenVerifier,
  PublicKey,
  VerifiedToken,
} from '../../identity/access-token';
import type { Caller } from '../../identity/caller';
import type { SigningKeyJwk, SigningKeys } from '../../identity/signing-keys';

export interface JoseIssuerOptions {
  readonly keys: SigningKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly accessTokenSeconds: number;
}

export interface TrustedIssuerOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
}

// Loaded at the first token: about 45 ms that health checks and timers need not pay.
const loadJose = () => import('jose');
type Jose = Awaited<ReturnType<typeof loadJose>>;

/** Makes the broker's own tokens. */
export class JoseAccessTokenIssuer implements AccessTokenIssuer {
  #signing: Promise<{ readonly key: CryptoKey; readonly kid: string }> | undefined;
  #published: Promise<{ readonly keys: readonly PublicKey[] }> | undefined;

  constructor(private readonly options: JoseIssuerOptions) {}

  async issue(caller: Caller, nowMs: number): Promise<string> {
    const { SignJWT } = await loadJose();
    const { issuer, audience, accessTokenSeconds } = this.options;
    this.#signing ??= this.#importSigningKey();
    const { key, kid } = await this.#signing;
    const issuedAt = Math.floor(nowMs / 1_000);
    return new SignJWT({ did: caller.did, roles: [...caller.roles] })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + accessTokenSeconds)
      .setJti(randomUUID())
      .sign(key);
  }

  publicKeys(): Promise<{ readonly keys: readonly PublicKey[] }> {
    this.#published ??= publish(this.options.keys);
    return this.#published;
  }

  async #importSigningKey() {
    const { importJWK } = await loadJose();
    const [first] = this.options.keys;
    const [key, { keys }] = await Promise.all([importJWK({ ...first }, 'ES256'), this.publicKeys()]);
    // importJWK gives bytes for symmetric keys only.
    return { key: key, kid: keys[0]?.kid ?? '' };
  }
}

async function publish(keys: readonly SigningKeyJwk[]): Promise<{ readonly keys: readonly PublicKey[] }> {
  const { calculateJwkThumbprint } = await loadJose();
  const named = keys.map(async ({ kty, crv, x, y, kid }) => ({
    kty,
    crv,
    x,
    y,
    // A key without a name gets its thumbprint (RFC 7638), which every instance finds alike.
    kid: kid ?? (await calculateJwkThumbprint({ kty, crv, x, y })),
    alg: 'ES256',
    use: 'sig',
  }));
  return { keys: await Promise.all(named) };
}

/** What tokens of one issuer are verified against. */
interface Authority {
  readonly audience: string;
  readonly algorithms: string[];
  readonly keys: JWTVerifyGetKey;
}

// What others may sign with: asymmetric only, so that a published key can never be taken for a shared secret.
const externalAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'];
/** Unit: ms. Within the few seconds after which a gateway's user would wonder. */
const jwksTimeoutMs = 3_000;

/** Verifies tokens of the broker itself and of trusted issuers. */
export class JoseAccessTokenVerifier implements AccessTokenVerifier {
  #authorities: Promise<ReadonlyMap<string, Authority>> | undefined;

  constructor(
    private readonly own: JoseIssuerOptions,
    private readonly trusted: readonly TrustedIssuerOptions[],
  ) {}

  async verify(token: string, nowMs: number): Promise<VerifiedToken> {
    const jose = await loadJose();
    this.#authorities ??= this.#connect(jose);
    const authorities = await this.#authorities;
    try {
      if (!isCanonical(token)) throw refused();
      // The unverified issuer only chooses the keys; jwtVerify then holds the token to that issuer.
      const issuer = jose.decodeJwt(token).iss ?? '';
      const authority = authorities.get(issuer);
      if (!authority) throw refused();
      const payload = await verifyWith(jose, token, authority.keys, {
        issuer,
        audience: authority.audience,
        algorithms: authority.algorithms,
        requiredClaims: ['did', 'exp'],
        currentDate: new Date(nowMs),
      });
      return toVerifiedToken(payload);
    } catch (error) {
      if (error instanceof BrokerError) throw error;
      const expired = error instanceof jose.errors.JWTExpired;
      throw refused(expired ? 'The access token has expired; refresh it or log in.' : undefined, error);
    }
  }

  async #connect(jose: Jose): Promise<ReadonlyMap<string, Authority>> {
    const { keys } = await publish(this.own.keys);
    const authorities = new Map<string, Authority>();
    for (const { issuer, audience, jwksUrl } of this.trusted) {
      const remote = jose.createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: jwksTimeoutMs });
      authorities.set(issuer, {
        audience,
        algorithms: externalAlgorithms,
        keys: orUnavailable(jose, remote),
      });
    }
    // Last, so that no trusted issuer can take the broker's own name.
    authorities.set(this.own.issuer, {
      audience: this.own.audience,
      algorithms: ['ES256'],
      keys: jose.createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) }),
    });
    return authorities;
  }
}

/**
 * Keys that cannot be fetched are nobody's bad token: 503, which a gateway does not take for a reason to log in
 * again or to stop. A key set that was read and holds no fitting key does refuse the token.
 */
function orUnavailable(jose: Jose, keys: JWTVerifyGetKey): JWTVerifyGetKey {
  const { JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JOSENotSupported } = jose.errors;
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      const wasRead = [JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JOSENotSupported].some(
        (kind) => error instanceof kind,
      );
      if (wasRead) throw error;
      throw new BrokerError(
        'issuer-unavailable',
        'The keys of the token’s issuer cannot be read; try again.',
        {
          cause: error,
        },
      );
    }
  };
}

/** A token without `kid` fits several keys of a set: each is tried. */
async function verifyWith(
  jose: Jose,
  token: string,
  keys: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jose.jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jose.jwtVerify(token, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof jose.errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw error;
  }
}

/** Decoders forgive spare bits at the end of base64url; a token shall have one spelling (RFC 4648 §3.5). */
function isCanonical(token: string): boolean {
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function toVerifiedToken({ did, roles = [], iat, exp = 0 }: JWTPayload): VerifiedToken {
  if (typeof did !== 'string' || !isDid(did)) throw refused();
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) throw refused();
  const issued = iat === undefined ? {} : { issuedAtMs: iat * 1_000 };
  return { caller: { did, roles, ...issued }, expiresAtMs: exp * 1_000 };
}

function refused(detail = 'The access token is not valid; log in.', cause?: unknown): BrokerError {
  return new BrokerError('unauthenticated', detail, { cause });
}
