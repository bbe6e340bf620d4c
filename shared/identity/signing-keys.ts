// The setting TOKEN_SIGNING_KEY: one private JWK, or a JWK Set whose first key signs and whose others still verify,
// so that a key can be replaced while tokens of the old one are about.

/** An EC P-256 key (RFC 7518 §6.2); `d` is there where it can sign. */
export interface SigningKeyJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d?: string;
  readonly kid?: string;
}

/** The first key signs; all verify. */
export type SigningKeys = readonly [SigningKeyJwk, ...SigningKeyJwk[]];

/**
 * Reads the setting. @throws Error with a sentence that holds nothing of the keys
 */
export function parseSigningKeys(text: string): SigningKeys {
  const [first, ...others] = readKeys(text).map(toSigningKey);
  if (first?.d === undefined) throw new Error('TOKEN_SIGNING_KEY: the first key must be a private one');
  return [first, ...others];
}

function readKeys(text: string): readonly unknown[] {
  try {
    const value = JSON.parse(text) as { keys?: unknown } | null;
    return Array.isArray(value?.keys) ? value.keys : [value];
  } catch {
    throw new Error('TOKEN_SIGNING_KEY must be a JWK or a JWK Set, as JSON');
  }
}

// 32 bytes in base64url (RFC 7518 §6.2.1.2).
const coordinate = /^[A-Za-z0-9_-]{43}$/;

function toSigningKey(value: unknown): SigningKeyJwk {
  const { kty, crv, x, y, d, kid } = (value ?? {}) as Record<string, unknown>;
  const isCoordinate = (part: unknown): part is string => typeof part === 'string' && coordinate.test(part);
  if (kty !== 'EC' || crv !== 'P-256' || !isCoordinate(x) || !isCoordinate(y)) {
    throw new Error('TOKEN_SIGNING_KEY: every key must be an EC key on P-256 with x and y');
  }
  if (d !== undefined && !isCoordinate(d))
    throw new Error('TOKEN_SIGNING_KEY: a private part d is not valid');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) {
    throw new Error('TOKEN_SIGNING_KEY: a kid must be a text');
  }
  return { kty, crv, x, y, ...(d === undefined ? {} : { d }), ...(kid === undefined ? {} : { kid }) };
}
