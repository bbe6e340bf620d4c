// The sender's signature over what it sends: over the payload as it goes over the wire, and for a file over the hex
// text of the file's digest. The recipient verifies it, so a single changed byte shows.

import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { createHash } from 'node:crypto';

/** `0x` and 64 bytes in hex. */
export function signText(secretKey: Uint8Array, text: string): string {
  const digest = keccak_256(utf8ToBytes(text));
  return `0x${bytesToHex(secp256k1.sign(digest, secretKey, { prehash: false }))}`;
}

export function isSignedBy(publicKey: Uint8Array, text: string, signature: string): boolean {
  if (!/^0x[0-9a-f]{128}$/.test(signature)) return false;
  const digest = keccak_256(utf8ToBytes(text));
  return secp256k1.verify(hexToBytes(signature.slice(2)), digest, publicKey, { prehash: false });
}

/** The text that a file's signature is over: lower-case hex. */
export function fileDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
