// The participant's side of the broker, for developers, scripts and tests.

export { digestBlocks, uploadBlocks } from './blob-upload';
export { createIdentityToken, type IdentityTokenOptions } from './identity-token';
export { readOrCreateKeyFile } from './key-file';
export { createKeyPair, didOf, keyPairOf, type KeyPair } from './key-pair';
export { type BrokerAnswer, ParticipantClient } from './participant-client';
