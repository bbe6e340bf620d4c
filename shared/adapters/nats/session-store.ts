// Session records in the `sessions` bucket, whose entries the server drops when their last token has ended.

import type { SessionRecord } from '../../identity/refresh-token';
import type { SessionStore, StoredSession } from '../../identity/session-store';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { sessionKey } from './names';

export class JetStreamSessionStore implements SessionStore {
  /** @param bucket `sessions`, with a ttl no shorter than the life of a refresh token */
  constructor(private readonly bucket: KeyValueBucket) {}

  async create(session: Uint8Array, record: SessionRecord): Promise<void> {
    // Without a compare-and-set: the id is random, so a repeated write can only meet its own first try.
    await this.bucket.put(keyOf(session), encode(record));
  }

  async read(session: Uint8Array): Promise<StoredSession | undefined> {
    const entry = await this.bucket.get(keyOf(session));
    return (
      entry && {
        record: JSON.parse(Buffer.from(entry.value).toString()) as SessionRecord,
        revision: entry.revision,
      }
    );
  }

  async replace(
    session: Uint8Array,
    record: SessionRecord,
    revision: number,
  ): Promise<'replaced' | 'unsure'> {
    try {
      await this.bucket.put(keyOf(session), encode(record), { previousRevision: revision });
      return 'replaced';
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return 'unsure';
      throw error;
    }
  }

  remove(session: Uint8Array): Promise<void> {
    return this.bucket.remove(keyOf(session));
  }
}

const keyOf = (session: Uint8Array): string => sessionKey(Buffer.from(session).toString('hex'));
const encode = (record: SessionRecord): Uint8Array => Buffer.from(JSON.stringify(record));
