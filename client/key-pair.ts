// A participant's key pair on Ethereum's curve, and the DID that belongs to it. The private key is the participant:
// it never leaves its side.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

export interface KeyPair {
  /** 32 bytes, `0x` and hex. */
  readonly privateKey: string;
  /** Ethereum address, `0x` and 40 lower-case hex digits. */
  readonly address: string;
}

export function createKeyPair(): KeyPair {
  return keyPairOf(`0x${Buffer.from(secp256k1.utils.randomSecretKey()).toString('hex')}`);
}

/** @throws Error when the text is not a private key of this curve */
export function keyPairOf(privateKey: string): KeyPair {
  const publicKey = secp256k1.getPublicKey(privateKeyBytes({ privateKey }), false);
  // The hash is over the point's two coordinates, without the leading 0x04; the address is its last 20 bytes.
  const address = Buffer.from(keccak_256(publicKey.subarray(1)).subarray(12)).toString('hex');
  return { privateKey, address: `0x${address}` };
}

/** `did:ethr:<chain>:<address>`; the chain by name or by number in hex. */
export function didOf(key: Pick<KeyPair, 'address'>, chain = 'volta'): string {
  return chain === '' ? `did:ethr:${key.address}` : `did:ethr:${chain}:${key.address}`;
}

export function privateKeyBytes(key: Pick<KeyPair, 'privateKey'>): Uint8Array {
  return Buffer.from(key.privateKey.replace(/^0x/, ''), 'hex');
}
