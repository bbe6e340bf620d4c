// Port: where records of idempotent calls lie, for a day, seen by every instance.

import type { IdempotencyRecord } from './idempotency-record';

/** A key is one participant's, for one operation. */
export interface IdempotencyScope {
  readonly did: string;
  readonly operationId: string;
  readonly key: string;
}

export interface StoredIdempotencyRecord {
  readonly record: IdempotencyRecord;
  /** Names this state of the record; 0: there is none. */
  readonly revision: number;
}

/** Every method may throw `message-store-unavailable`. */
export interface IdempotencyStore {
  read(scope: IdempotencyScope): Promise<StoredIdempotencyRecord | undefined>;
  /**
   * Replaces the state that was read (0: none).
   * @returns the new revision; undefined when somebody was faster, or the answer was lost: then read it
   */
  replace(scope: IdempotencyScope, record: IdempotencyRecord, revision: number): Promise<number | undefined>;
}
