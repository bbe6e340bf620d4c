// Registrations of anonymous keys in a bucket of their own, one entry for each key, without a ttl: a key lives
// until its owner removes it. Beside it a note under its owner, by which keys are counted.

import { randomBytes } from 'node:crypto';
import { BrokerError } from '../../broker-error';
import type { AnonymousKey, AnonymousKeys } from '../../messages/anonymous-keys';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import type { JetStream } from './jetstream';
import {
  anonymousKeyBucket,
  anonymousKeyKey,
  bucketStream,
  bucketSubject,
  ownedKeyKey,
  ownedKeyKeysOf,
} from './names';

const maxTries = 8;
const noValue = new Uint8Array();

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
  constructor(
    private readonly bucket: KeyValueBucket,
    private readonly jetStream: Pick<JetStream, 'streamState'>,
  ) {}

  async count(owner: string): Promise<number> {
    const filter = bucketSubject(anonymousKeyBucket, ownedKeyKeysOf(owner));
    const state = await this.jetStream.streamState(bucketStream(anonymousKeyBucket), filter);
    return Object.keys(state?.subjects ?? {}).length;
  }

  async find(key: string): Promise<AnonymousKey | undefined> {
    const found = await this.#find(key);
    return found && { key, owner: found.owner, registration: found.registration };
  }

  async register(key: string, owner: string): Promise<AnonymousKey> {
    const own: Registration = { owner, registration: randomBytes(16).toString('hex') };
    // The note first: a registration without one would not be counted.
    const noted = await this.#note(owner, key);
    try {
      const registered = await this.#register(key, own);
      if (registered.owner !== owner) await this.#forgetNote(owner, key, noted);
      // Once more: a removal that found no registration may take the first one away.
      else if (registered.registration === own.registration) await this.#note(owner, key);
      return registered;
    } catch (error) {
      // What counts against the owner must be there to be removed. Where this fails too, clear() does it.
      await this.clear(key, owner, noted).catch(() => undefined);
      throw error;
    }
  }

  async #register(key: string, own: Registration): Promise<AnonymousKey> {
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

  /** @param upToRevision of the note; absent: the one that there is */
  async clear(key: string, owner: string, upToRevision?: number): Promise<void> {
    const revision = upToRevision ?? (await this.bucket.get(ownedKeyKey(owner, key)))?.revision;
    if (revision === undefined || (await this.find(key))?.owner === owner) return;
    await this.#forgetNote(owner, key, revision);
  }

  async remove({ key, owner, registration }: AnonymousKey): Promise<void> {
    const found = await this.#find(key);
    if (found?.registration === registration) {
      // Up to its own revision: a registration made in between stays.
      await this.bucket.remove(anonymousKeyKey(key), found.revision);
    }
    if (found?.owner !== owner || found.registration === registration) {
      await this.bucket.remove(ownedKeyKey(owner, key));
    }
  }

  #note(owner: string, key: string): Promise<number> {
    return this.bucket.put(ownedKeyKey(owner, key), noValue);
  }

  #forgetNote(owner: string, key: string, upToRevision: number): Promise<void> {
    return this.bucket.remove(ownedKeyKey(owner, key), upToRevision);
  }

  async #find(key: string): Promise<Found | undefined> {
    const entry = await this.bucket.get(anonymousKeyKey(key));
    if (!entry) return undefined;
    const stored = JSON.parse(Buffer.from(entry.value).toString()) as Registration;
    return { ...stored, revision: entry.revision };
  }
}
