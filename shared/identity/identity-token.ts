// The identity token of a login: three base64url parts like a JWT, but signed as an Ethereum personal message
// (EIP-191) whatever its `alg` says (contract §2). Parsed strictly, judged as a pure decision with the time as a
// parameter. It is not single-use: two logins within a second produce the same token.

import { BrokerError } from '../broker-error';
import { ethereumAddressOf } from './did';

/** A token in the right form; nothing about it is proven yet. */
export interface ParsedIdentityToken {
  /** The issuer, byte for byte. */
  readonly did: string;
  /** The address in the DID, `0x` and 40 lower-case hex digits. */
  readonly address: string;
  /** Claims `iat`, `exp` and `nbf` (RFC 7519 §4.1). Unit: seconds since the epoch. */
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  readonly notBeforeSeconds: number | undefined;
  /** `header.payload` as it was sent, over which the signature is made. */
  readonly signedText: string;
  /** r, s and v: 65 bytes. */
  readonly signature: Uint8Array;
}

export interface IdentityTokenPolicy {
  /** Greatest exp − iat and greatest now − iat. Unit: seconds. */
  readonly maxAgeSeconds: number;
  /** How far the participant's clock may be off. Unit: seconds. */
  readonly clockToleranceSeconds: number;
}

/**
 * Port: the address whose key made `signature` over the EIP-191 message keccak256(ascii(signedText)), lower case;
 * undefined when the 65 bytes are no signature that a wallet makes.
 */
export type RecoverSigner = (signedText: string, signature: Uint8Array) => Promise<string | undefined>;

const refused = (detail: string) => new BrokerError('unauthenticated', detail);
const notOfTheForm = () => refused('The identity token is not of the form that a login needs.');

/**
 * The DID that a token proves.
 * @param beforeProof called with the DID that the token names, before the signature is recovered, which costs
 *   milliseconds; what it throws comes out
 * @throws BrokerError `unauthenticated` when it is malformed, outside its time, or not signed by the DID's key
 */
export async function verifyIdentityToken(
  token: string,
  recoverSigner: RecoverSigner,
  policy: IdentityTokenPolicy,
  nowMs: number,
  beforeProof: (did: string) => void = () => undefined,
): Promise<string> {
  const parsed = parseIdentityToken(token);
  if (!parsed) throw notOfTheForm();
  const fault = timeFault(parsed, policy, nowMs / 1_000);
  if (fault) throw refused(fault);
  beforeProof(parsed.did);
  const signer = await recoverSigner(parsed.signedText, parsed.signature);
  if (signer !== parsed.address) throw refused('The identity token is not signed by the key of its DID.');
  return parsed.did;
}

/** Reads a token; undefined when anything about its form is wrong. */
export function parseIdentityToken(token: string): ParsedIdentityToken | undefined {
  const parts = token.split('.');
  const [header, payload, signature] = parts.map(decodeBase64Url);
  if (parts.length !== 3 || !header || !payload || !signature) return undefined;
  const claims = parseObject(payload);
  if (!parseObject(header) || !claims) return undefined;
  const { iss: did, iat, exp, nbf } = claims;
  if (typeof did !== 'string' || !isInstant(iat) || !isInstant(exp)) return undefined;
  if (nbf !== undefined && !isInstant(nbf)) return undefined;
  const address = ethereumAddressOf(did);
  const signatureBytes = decodeSignature(signature);
  if (!address || !signatureBytes) return undefined;
  return {
    did,
    address,
    issuedAtSeconds: iat,
    expiresAtSeconds: exp,
    notBeforeSeconds: nbf,
    signedText: token.slice(0, token.lastIndexOf('.')),
    signature: signatureBytes,
  };
}

/** What is wrong with a token's times at `nowSeconds`, as a sentence; undefined when nothing is. */
export function timeFault(
  token: Pick<ParsedIdentityToken, 'issuedAtSeconds' | 'expiresAtSeconds' | 'notBeforeSeconds'>,
  policy: IdentityTokenPolicy,
  nowSeconds: number,
): string | undefined {
  const { issuedAtSeconds: iat, expiresAtSeconds: exp, notBeforeSeconds: nbf } = token;
  const { maxAgeSeconds, clockToleranceSeconds: tolerance } = policy;
  if (exp <= iat) return 'The identity token ends before it begins.';
  if (exp - iat > maxAgeSeconds) return `The identity token may live for at most ${maxAgeSeconds} seconds.`;
  if (Math.max(iat, nbf ?? iat) > nowSeconds + tolerance) return 'The identity token lies in the future.';
  if (exp + tolerance <= nowSeconds) return 'The identity token has expired.';
  if (nowSeconds - iat > maxAgeSeconds + tolerance) return 'The identity token is too old.';
  return undefined;
}

/** Unpadded base64url with no bits to spare: a token has one spelling only (RFC 4648 §3.5). */
function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.byteLength > 0 && bytes.toString('base64url') === text ? bytes : undefined;
}

// The signature part is the text `0x…`, in lower case as every wallet library prints it.
const signatureSyntax = /^0x([0-9a-f]{130})$/;

function decodeSignature(text: Buffer): Uint8Array | undefined {
  const hex = signatureSyntax.exec(text.toString('latin1'))?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(strictUtf8.decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

// A NumericDate may have a fraction (RFC 7519 §2); beyond 2⁵³ comparisons would no longer be exact.
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
