// How gateways hide what they send from the broker: AES-256-CBC with a key of the message's own, which travels ahead
// of it, encrypted with the recipient's RSA key (OAEP).

import {
  constants,
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';

export interface RsaKeys {
  /** PEM (SPKI), published in the DID document. */
  readonly publicKey: string;
  /** PEM (PKCS #8). */
  readonly privateKey: string;
}

const ivBytes = 16;

export function createRsaKeys(): RsaKeys {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** 32 bytes as hex. */
export const createSymmetricKey = (): string => randomBytes(32).toString('hex');

/** The initialisation vector, then the cipher text. */
export function encryptBytes(symmetricKey: string, bytes: Uint8Array): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-cbc', Buffer.from(symmetricKey, 'hex'), iv);
  return Buffer.concat([iv, cipher.update(bytes), cipher.final()]);
}

/** @throws Error when the key is another one or the bytes were changed */
export function decryptBytes(symmetricKey: string, bytes: Uint8Array): Buffer {
  const key = Buffer.from(symmetricKey, 'hex');
  const decipher = createDecipheriv('aes-256-cbc', key, bytes.subarray(0, ivBytes));
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes)), decipher.final()]);
}

/** `<iv as hex>.<cipher text as base64>` */
export function encryptText(symmetricKey: string, text: string): string {
  const bytes = encryptBytes(symmetricKey, Buffer.from(text));
  return `${bytes.subarray(0, ivBytes).toString('hex')}.${bytes.subarray(ivBytes).toString('base64')}`;
}

export function decryptText(symmetricKey: string, text: string): string {
  const [iv = '', encrypted = ''] = text.split('.');
  const bytes = Buffer.concat([Buffer.from(iv, 'hex'), Buffer.from(encrypted, 'base64')]);
  return decryptBytes(symmetricKey, bytes).toString();
}

const padding = constants.RSA_PKCS1_OAEP_PADDING;

/** The key for one recipient, as base64. */
export function wrapKey(rsaPublicKey: string, symmetricKey: string): string {
  return publicEncrypt({ key: rsaPublicKey, padding }, Buffer.from(symmetricKey)).toString('base64');
}

export function unwrapKey(rsaPrivateKey: string, wrapped: string): string {
  return privateDecrypt({ key: rsaPrivateKey, padding }, Buffer.from(wrapped, 'base64')).toString();
}
