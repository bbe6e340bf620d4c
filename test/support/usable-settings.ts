// The fewest settings a broker starts with; its backends lead nowhere and its keys are made anew in each process.

import { generateKeyPairSync } from 'node:crypto';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Environment variables without any that has a default. */
export const usableSettings = {
  NATS_SERVERS: 'nats://127.0.0.1:1',
  SQLITE_FILE: ':memory:',
  BLOB_CONNECTION_STRING: 'UseDevelopmentStorage=true',
  TOKEN_SIGNING_KEY: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: '1' }),
  MESSAGE_ID_KEY: `1:${Buffer.alloc(32, 1).toString('base64url')}`,
};
