// Public index of the idempotency capability.

export type { Attempt } from './attempt';
export { parseIdempotencyKey } from './idempotency-key';
export type { IdempotencyRecord, KeptAnswer } from './idempotency-record';
export type { IdempotencyScope, IdempotencyStore, StoredIdempotencyRecord } from './idempotency-store';
export { IdempotentCalls, type IdempotentWork } from './idempotent-calls';
