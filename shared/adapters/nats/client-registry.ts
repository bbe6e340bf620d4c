// Client ids in the `clients` bucket, one entry for each, under its participant. Without a ttl: the timer forgets idle
// ones. Other facts about a client id may stand in its entry; what is not known here is kept.

import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../broker-error';
import type { Clock } from '../../clock';
import {
  type ClientOptions,
  type ClientRegistry,
  defaultClientOptions,
} from '../../messages/client-registry';
import { BucketScan } from './bucket-scan';
import type { DirectGet } from './direct-get';
import type { JetStream } from './jetstream';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { bucketStream, bucketSubject, clientBucket, clientKey, clientKeysOf } from './names';
import { Room } from '../../room';
import type { StoreLayout } from './store-layout';

interface ClientRecord extends Partial<ClientOptions> {
  readonly clientId: string;
  /** Day of its last use, in days since the epoch (UTC). */
  readonly seenDay: number;
}

const dayMs = 86_400_000;
const maxKnown = 50_000;
/** A client id that was removed on another instance and is used on is noted again after this. Unit: ms. */
const knownForMs = 10_000;
/** What another instance has changed counts after this. Unit: ms. */
const optionsForMs = 3_000;
const maxTries = 8;
const idlePage = 200;

export interface ClientRegistryOptions {
  readonly layout: Pick<StoreLayout, 'bucket' | 'provision'>;
  readonly jetStream: JetStream;
  readonly directGet: DirectGet;
  /** Of one participant. */
  readonly maxClientIds: number;
  readonly clock: Clock;
}

export class JetStreamClientRegistry implements ClientRegistry {
  readonly #bucket: KeyValueBucket;
  readonly #scan: BucketScan;
  readonly #jetStream: JetStream;
  readonly #clock: Clock;
  readonly #room: Room;
  /** The day that was seen in the entry of a key lately. */
  readonly #known = new LRUCache<string, number>({ max: maxKnown, ttl: knownForMs });
  readonly #options = new LRUCache<string, ClientOptions>({ max: maxKnown, ttl: optionsForMs });

  constructor({ layout, jetStream, directGet, maxClientIds, clock }: ClientRegistryOptions) {
    const options = { allowDirect: true };
    this.#bucket = layout.bucket(clientBucket, options);
    this.#scan = new BucketScan(jetStream, directGet, clientBucket, layout.provision(clientBucket, options));
    this.#jetStream = jetStream;
    this.#clock = clock;
    this.#room = new Room({
      max: maxClientIds,
      what: 'client ids',
      count: async (did) => Object.keys(await this.#subjectsOf(did)).length,
    });
  }

  async note(did: string, clientId: string): Promise<void> {
    const key = clientKey(did, clientId);
    const today = dayOf(this.#clock());
    if (this.#known.get(key) === today) return;
    await this.#change(did, key, (record) =>
      record && record.seenDay >= today ? record : { ...record, clientId, seenDay: today },
    );
    this.#known.set(key, today);
  }

  async find(did: string, clientId: string): Promise<ClientOptions | undefined> {
    const key = clientKey(did, clientId);
    const known = this.#options.get(key);
    if (known) return known;
    const entry = await this.#bucket.get(key);
    if (!entry) return undefined;
    const { maxDeliveries = defaultClientOptions.maxDeliveries } = decode(entry.value);
    this.#options.set(key, { maxDeliveries });
    return { maxDeliveries };
  }

  async put(did: string, clientId: string, { maxDeliveries }: ClientOptions): Promise<void> {
    const key = clientKey(did, clientId);
    const seenDay = dayOf(this.#clock());
    await this.#change(did, key, (record) => ({ ...record, clientId, seenDay, maxDeliveries }));
    this.#options.set(key, { maxDeliveries });
  }

  async list(did: string): Promise<readonly string[]> {
    const { entries } = await this.#scan.after(clientKeysOf(did), 0);
    // Which there still are, as the leader has it: a replica that is behind also returns what was removed.
    const subjects = await this.#subjectsOf(did);
    const present = entries.filter(({ key }) => bucketSubject(clientBucket, key) in subjects);
    return [...new Set(present.map(({ value }) => decode(value).clientId))].sort();
  }

  async #subjectsOf(did: string): Promise<object> {
    const filter = bucketSubject(clientBucket, clientKeysOf(did));
    return (await this.#jetStream.streamState(bucketStream(clientBucket), filter))?.subjects ?? {};
  }

  async has(did: string, clientId: string): Promise<boolean> {
    return (await this.#bucket.get(clientKey(did, clientId))) !== undefined;
  }

  async remove(did: string, clientId: string): Promise<void> {
    const key = clientKey(did, clientId);
    this.#known.delete(key);
    this.#options.delete(key);
    await this.#bucket.remove(key);
    this.#room.giveBack(did);
  }

  async forgetIdle(sinceMs: number, isOutOfTime: () => boolean): Promise<number> {
    let forgotten = 0;
    let revision = 0;
    // In the order of their last writing, hence of their last use: the first one in use ends the walk.
    while (!isOutOfTime()) {
      const page = await this.#scan.page('>', revision, idlePage);
      for (const { key, value, revision: written } of page.entries) {
        if ((decode(value).seenDay + 1) * dayMs >= sinceMs) return forgotten;
        // Up to what was read: one that came back meanwhile stays.
        await this.#bucket.remove(key, written);
        forgotten++;
        if (isOutOfTime()) return forgotten;
      }
      if (page.revision === revision) return forgotten;
      revision = page.revision;
    }
    return forgotten;
  }

  /** Changes the entry of a client id by compare-and-set; the same record back changes nothing. */
  async #change(
    did: string,
    key: string,
    change: (record: ClientRecord | undefined) => ClientRecord,
  ): Promise<void> {
    let hasTakenPlace = false;
    try {
      for (let attempt = 1; attempt <= maxTries; attempt++) {
        const entry = await this.#bucket.get(key);
        const record = entry && decode(entry.value);
        const next = change(record);
        if (next === record) return;
        if (!record && !hasTakenPlace) {
          await this.#room.take(did);
          hasTakenPlace = true;
        }
        if (await this.#write(key, next, entry?.revision ?? 0)) return;
      }
      throw new BrokerError('message-store-unavailable', 'The client id could not be noted; try again.');
    } catch (error) {
      if (hasTakenPlace) this.#room.giveBack(did);
      throw error;
    }
  }

  /** False when somebody else was first, or may have been. */
  async #write(key: string, record: ClientRecord, previousRevision: number): Promise<boolean> {
    try {
      await this.#bucket.put(key, Buffer.from(JSON.stringify(record)), { previousRevision });
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return false;
      throw error;
    }
  }
}

const dayOf = (timeMs: number): number => Math.floor(timeMs / dayMs);
const decode = (value: Uint8Array): ClientRecord => JSON.parse(Buffer.from(value).toString()) as ClientRecord;
