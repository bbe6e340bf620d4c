// The key of a participant on Ethereum's curve, its DID, and the identity token it logs in with: a signature as
// wallets make it (EIP-191), in a token that calls itself ES256.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export interface Wallet {
  readonly did: string;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array;
}

export function createWallet(chain = 'volta'): Wallet {
  const secretKey = secp256k1.utils.randomSecretKey();
  const point = secp256k1.getPublicKey(secretKey, false);
  const address = bytesToHex(keccak_256(point.slice(1))).slice(-40);
  return {
    did: `did:ethr:${chain}:0x${address}`,
    secretKey,
    publicKey: secp256k1.getPublicKey(secretKey, true),
  };
}

/** @param nowSeconds seconds since the epoch */
export function identityToken(wallet: Wallet, nowSeconds: number): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: wallet.did,
    claimData: { blockNumber: 999_999_999_999 },
    iat: nowSeconds,
    exp: nowSeconds + 300,
  };
  const text = `${part({ alg: 'ES256', typ: 'JWT' })}.${part(claims)}`;
  const signature = personalSign(wallet.secretKey, keccak_256(utf8ToBytes(text)));
  return `${text}.${Buffer.from(signature).toString('base64url')}`;
}

/** EIP-191 over the bytes: `0x`, r, s and v in hex, 65 bytes. */
function personalSign(secretKey: Uint8Array, bytes: Uint8Array): string {
  const prefix = utf8ToBytes(`\u0019Ethereum Signed Message:\n${bytes.length}`);
  const signature = secp256k1.sign(keccak_256(concatBytes(prefix, bytes)), secretKey, {
    prehash: false,
    format: 'recovered',
  });
  const recovery = signature[0] ?? 0;
  return `0x${bytesToHex(signature.slice(1))}${(27 + recovery).toString(16)}`;
}
