// The identity token with which a participant logs in. It looks like a JWT but is signed as an Ethereum personal
// message (EIP-191), the way wallets sign, although its header says ES256.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { didOf, type KeyPair, privateKeyBytes } from './key-pair';

export interface IdentityTokenOptions {
  /** Default: `did:ethr:volta:<address>`. */
  readonly did?: string;
  /** Unit: seconds since the epoch. Default: now. */
  readonly issuedAtSeconds?: number;
  /** Default: 300 after `issuedAtSeconds`. */
  readonly expiresAtSeconds?: number;
}

/** Ready to send as `identityToken` to POST /auth/login. */
export function createIdentityToken(key: KeyPair, options: IdentityTokenOptions = {}): string {
  const iat = options.issuedAtSeconds ?? Math.floor(Date.now() / 1_000);
  const payload = {
    iss: options.did ?? didOf(key),
    claimData: { blockNumber: 999_999_999_999 },
    iat,
    exp: options.expiresAtSeconds ?? iat + 300,
  };
  const text = `${base64Url(JSON.stringify({ alg: 'ES256', typ: 'JWT' }))}.${base64Url(JSON.stringify(payload))}`;
  return `${text}.${base64Url(signPersonalMessage(key, keccak_256(Buffer.from(text, 'ascii'))))}`;
}

/** EIP-191 `personal_sign` of 32 bytes: r, s and v (27 or 28) as `0x` and 130 hex digits. */
export function signPersonalMessage(key: Pick<KeyPair, 'privateKey'>, digest: Uint8Array): string {
  const prefix = Buffer.from('\x19Ethereum Signed Message:\n32', 'latin1');
  const hash = keccak_256(Buffer.concat([prefix, digest]));
  const [recoveryBit = 0, ...rs] = secp256k1.sign(hash, privateKeyBytes(key), {
    prehash: false,
    format: 'recovered',
  });
  return `0x${Buffer.from([...rs, 27 + recoveryBit]).toString('hex')}`;
}

const base64Url = (text: string): string => Buffer.from(text).toString('base64url');
