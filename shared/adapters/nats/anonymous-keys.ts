// Registrations of anonymous keys in a bucket of their own, one entry for each key, without a ttl: a key lives
// until its owner removes it.

import { randomBytes } from 'node:crypto';
import { BrokerError } from '../../broker-error';
import type { AnonymousKey, AnonymousKeys } from '../../messages/anonymous-keys';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { anonymousKeyKey } from './names';

const maxTries = 8;

/** What an entry says; its key is a hash, so that a list of the bucket tells nobody a key to send to. */
interface Registration {
  readonly owner: string;
  readonly registration: string;
}

interface Found extends Registration {
  readonly revision: number;
}

export class JetStreamAnonymousKeys implements AnonymousKeys {
  /** @param bucket `anonymous-keys`, without ttl */
  constructor(private readonly bucket: KeyValueBucket) {}

  async find(key: string): Promise<AnonymousKey | undefined> {
    const found = await this.#find(key);
    return found && { key, owner: found.owner, registration: found.registration };
  }

  async register(key: string, owner: string): Promise<AnonymousKey> {
    const own: Registration = { owner, registration: randomBytes(16).toString('hex') };
    for (let attempt = 1; attempt <= maxTries; attempt++) {
      const existing = await this.find(key);
      if (existing) return existing;
      try {
        await this.bucket.put(anonymousKeyKey(key), Buffer.from(JSON.stringify(own)), {
          previousRevision: 0,
        });
        return { key, ...own };
      } catch (error) {
        if (!(error instanceof RevisionConflict || error instanceof UnknownOutcome)) throw error;
      }
    }
    throw new BrokerError('message-store-unavailable', 'The key could not be registered; try again.');
  }

  async remove({ key, registration }: AnonymousKey): Promise<void> {
    const found = await this.#find(key);
    if (found?.registration !== registration) return;
    // Up to its own revision: a registration made in between stays.
    await this.bucket.remove(anonymousKeyKey(key), found.revision);
  }

  async #find(key: string): Promise<Found | undefined> {
    const entry = await this.bucket.get(anonymousKeyKey(key));
    if (!entry) return undefined;
    const stored = JSON.parse(Buffer.from(entry.value).toString()) as Registration;
    return { ...stored, revision: entry.revision };
  }
}
