// The secret keys of a local broker, made once and kept in its data directory, readable by their owner alone.
// They never leave the machine and are good for nothing else.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export interface LocalKeys {
  /** For TOKEN_SIGNING_KEY: a private JWK with `kid`, as JSON. */
  readonly tokenSigningKey: string;
  /** For MESSAGE_ID_KEY. */
  readonly messageIdKey: string;
}

export function createLocalKeys(): LocalKeys {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomBytes(8).toString('hex');
  return {
    tokenSigningKey: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256' }),
    messageIdKey: `0:${randomBytes(32).toString('base64url')}`,
  };
}

/** Reads the keys from a file, or makes them and writes it. */
export function keepLocalKeys(file: string): LocalKeys {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as LocalKeys;
  const keys = createLocalKeys();
  writeFileSync(file, JSON.stringify(keys, null, 2), { mode: 0o600, flag: 'wx' });
  return keys;
}
