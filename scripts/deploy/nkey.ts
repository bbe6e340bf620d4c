// nkeys: what NATS users sign with. A user is known to the servers by its public key; the seed is the secret.
// Form: base32 of prefix, key and CRC-16 (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth).

import { generateKeyPairSync } from 'node:crypto';

export interface NkeyUser {
  /** `SU…`, secret. */
  readonly seed: string;
  /** `U…`. */
  readonly publicKey: string;
}

const seedPrefix = 18 << 3;
const userPrefix = 20 << 3;

export function createNkeyUser(): NkeyUser {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  return {
    seed: encode([seedPrefix | (userPrefix >> 5), (userPrefix & 31) << 3], Buffer.from(d, 'base64url')),
    publicKey: encode([userPrefix], Buffer.from(x, 'base64url')),
  };
}

function encode(prefix: readonly number[], key: Buffer): string {
  const bytes = Buffer.concat([Buffer.from(prefix), key]);
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(bytes));
  return base32(Buffer.concat([bytes, checksum]));
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  return bytes.reduce((sum, byte) => {
    let crc = sum ^ (byte << 8);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
    return crc;
  }, 0);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Without padding (RFC 4648 §6). */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)] ?? '')
    .join('');
}
