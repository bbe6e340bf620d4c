// Recovers the signer of an Ethereum personal message (EIP-191) with @noble. The only folder of the broker that
// knows Ethereum's curve and hash.

import type { RecoverSigner } from '../../identity/identity-token';

/**
 * Address that signed keccak256(ascii(signedText)) as a personal message.
 *
 * v may be 27 or 28 (Ethereum) or 0 or 1 (bare recovery id, as hardware wallets give). The upper half of s is
 * refused: no wallet library makes it since EIP-2, and with it every signature would have a second spelling.
 */
export const recoverSigner: RecoverSigner = async (signedText, signature) => {
  const { secp256k1, keccak256 } = await loadCurve();
  const v = signature[64] ?? -1;
  const recoveryBit = v >= 27 ? v - 27 : v;
  if (signature.byteLength !== 65 || (recoveryBit !== 0 && recoveryBit !== 1)) return undefined;
  try {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact');
    if (parsed.hasHighS()) return undefined;
    const message = personalMessageHash(keccak256, keccak256(Buffer.from(signedText, 'ascii')));
    const publicKey = parsed.addRecoveryBit(recoveryBit).recoverPublicKey(message).toBytes(false);
    // The address is the end of the hash of the point's 64 bytes, without the 0x04 that announces them.
    return `0x${Buffer.from(keccak256(publicKey.subarray(1)).subarray(12)).toString('hex')}`;
  } catch {
    // r or s outside the group's order, or r not the abscissa of a point: no key made this.
    return undefined;
  }
};

type Hash = (bytes: Uint8Array) => Uint8Array;

/** EIP-191 version 0x45: the prefix holds the length of what follows, here always the 32 bytes of a hash. */
function personalMessageHash(keccak256: Hash, digest: Uint8Array): Uint8Array {
  return keccak256(Buffer.concat([Buffer.from('\x19Ethereum Signed Message:\n32', 'latin1'), digest]));
}

/** Loaded at the first login: the tables of the curve take about 50 ms that no other call should pay. */
async function loadCurve() {
  const [{ secp256k1 }, { keccak_256 }] = await Promise.all([
    import('@noble/curves/secp256k1.js'),
    import('@noble/hashes/sha3.js'),
  ]);
  return { secp256k1, keccak256: keccak_256 as Hash };
}
