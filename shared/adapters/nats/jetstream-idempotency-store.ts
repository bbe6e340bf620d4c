// Records of idempotent calls in the `idempotency` bucket, whose entries the server drops after a day.

import type {
  IdempotencyRecord,
  IdempotencyScope,
  IdempotencyStore,
  StoredIdempotencyRecord,
} from '../../idempotency';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { idempotencyKey } from './names';

/** How long a key is remembered. Unit: ms. */
export const idempotencyMemoryMs = 86_400_000;

export class JetStreamIdempotencyStore implements IdempotencyStore {
  /** @param bucket `idempotency`, with a ttl of a day */
  constructor(private readonly bucket: KeyValueBucket) {}

  async read(scope: IdempotencyScope): Promise<StoredIdempotencyRecord | undefined> {
    const entry = await this.bucket.get(idempotencyKey(scope));
    return (
      entry && {
        record: JSON.parse(Buffer.from(entry.value).toString()) as IdempotencyRecord,
        revision: entry.revision,
      }
    );
  }

  async replace(
    scope: IdempotencyScope,
    record: IdempotencyRecord,
    revision: number,
  ): Promise<number | undefined> {
    try {
      return await this.bucket.put(idempotencyKey(scope), Buffer.from(JSON.stringify(record)), {
        previousRevision: revision,
      });
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return undefined;
      throw error;
    }
  }
}
