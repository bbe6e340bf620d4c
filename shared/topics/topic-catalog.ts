// What the message path knows about topics, without waiting for SQL (design §7): a bounded memory over a source.
// Entries carry the topic's revision, and a lower one never replaces a higher.

import { LRUCache } from 'lru-cache';
import { BrokerError } from '../broker-error';
import type { Clock } from '../clock';
import { requireBeforeSunset } from './deprecation';
import type { SchemaSource } from './payload-validator';
import { topicNotFound } from './topic-change';
import { type Deprecation, isTopicId, type SchemaType, type Topic } from './topic';

export interface CatalogVersion {
  readonly schemaHash: string;
  readonly deleted: boolean;
  /** Absent: not deprecated. */
  readonly deprecation?: Deprecation | undefined;
}

/** As much of a topic as sending and reading messages takes. */
export interface CatalogTopic {
  readonly id: string;
  readonly revision: number;
  readonly schemaType: SchemaType;
  readonly deleted: boolean;
  /** The class its messages expire with; absent: the broker's default. */
  readonly retentionClass?: string | undefined;
  /** By version; deleted ones included. */
  readonly versions: ReadonlyMap<string, CatalogVersion>;
}

/** The level below the memory: the topic store, or a read model in front of it. */
export interface CatalogSource {
  find(id: string): Promise<CatalogTopic | undefined>;
  /** Text of a version's schema. It never changes, so it may come from anywhere. */
  readSchema(id: string, version: string): Promise<string | undefined>;
}

export interface TopicCatalogOptions {
  readonly clock: Clock;
  /** Topics kept; default 10,000, about 10 MB with ten versions each. */
  readonly maxTopics?: number;
  /** From this age on an entry is read anew in the background; default 2,000 ms. */
  readonly refreshAfterMs?: number;
  /**
   * From this age on a caller waits for the new reading, as long as the source answers; default 5,000 ms. It is
   * the time within which a change made on another instance counts here.
   */
  readonly maxAgeMs?: number;
  /**
   * Longest wait for it, default 1,000 ms. After it, or an error, entries are used as they are and the source is
   * tried behind the callers' backs every maxAgeMs until it answers.
   */
  readonly refreshWaitMs?: number;
}

interface Entry {
  /** Undefined: the source has no such topic. */
  readonly topic: CatalogTopic | undefined;
  readonly readAtMs: number;
}

const maxAbsent = 1_000;

export class TopicCatalog {
  readonly #source: CatalogSource;
  readonly #clock: Clock;
  readonly #refreshAfterMs: number;
  readonly #maxAgeMs: number;
  readonly #refreshWaitMs: number;
  readonly #entries: LRUCache<string, Entry>;
  /** Ids that are no topics, apart: whoever asks for many of them pushes no topic out. */
  readonly #absent = new LRUCache<string, Entry>({ max: maxAbsent });
  readonly #reading = new Map<string, Promise<CatalogTopic | undefined>>();
  /** Since the last reading failed: it is tried again now and then, and nobody waits for it. */
  #sourceIsAway = false;
  #sourceRestsUntilMs = 0;

  constructor(source: CatalogSource, options: TopicCatalogOptions) {
    this.#source = source;
    this.#clock = options.clock;
    this.#refreshAfterMs = options.refreshAfterMs ?? 2_000;
    this.#maxAgeMs = options.maxAgeMs ?? 5_000;
    this.#refreshWaitMs = options.refreshWaitMs ?? 1_000;
    this.#entries = new LRUCache({ max: options.maxTopics ?? 10_000 });
  }

  /**
   * A topic, deleted or not; undefined when there is none.
   * @throws BrokerError `topic-store-unavailable` for a topic not known here while the source cannot be asked
   */
  async find(id: string): Promise<CatalogTopic | undefined> {
    if (!isTopicId(id)) return undefined;
    const entry = this.#entries.get(id) ?? this.#absent.get(id);
    if (!entry) return this.#read(id);
    const now = this.#clock();
    const age = now - entry.readAtMs;
    if (age < this.#refreshAfterMs || (this.#sourceIsAway && now < this.#sourceRestsUntilMs))
      return entry.topic;
    const mayWait = age >= this.#maxAgeMs && !this.#sourceIsAway;
    const reading = this.#read(id).catch(() => {
      this.#letSourceRest();
      return this.#entries.peek(id)?.topic ?? entry.topic;
    });
    return mayWait ? this.#waitFor(reading, entry) : entry.topic;
  }

  /**
   * A live version of a live topic, ready for validation.
   * @throws BrokerError `topic-not-found`, `version-sunset`, `topic-store-unavailable`
   */
  async requireVersion(id: string, version: string): Promise<{ topic: CatalogTopic; schema: SchemaSource }> {
    const topic = await this.find(id);
    const found = topic?.versions.get(version);
    if (!topic || topic.deleted || !found || found.deleted) throw topicNotFound();
    requireBeforeSunset(found.deprecation, this.#clock());
    const readText = async () => {
      const text = await this.#source.readSchema(id, version);
      if (text === undefined)
        throw new BrokerError('topic-store-unavailable', 'The schema cannot be read now.');
      return text;
    };
    return { topic, schema: { schemaType: topic.schemaType, schemaHash: found.schemaHash, readText } };
  }

  /** Takes over a state that this instance has just recorded or received. */
  put(topic: CatalogTopic): void {
    this.#keep(topic.id, topic);
  }

  #read(id: string): Promise<CatalogTopic | undefined> {
    const running = this.#reading.get(id);
    if (running) return running;
    const reading = this.#source
      .find(id)
      .then((topic) => {
        this.#sourceIsAway = false;
        return this.#keep(id, topic);
      })
      .finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  #letSourceRest(): void {
    this.#sourceIsAway = true;
    this.#sourceRestsUntilMs = this.#clock() + this.#maxAgeMs;
  }

  /** The newest state that is known, which a reading begun before a change does not undo. */
  #keep(id: string, topic: CatalogTopic | undefined): CatalogTopic | undefined {
    const known = this.#entries.peek(id)?.topic;
    const newest = known && (!topic || topic.revision < known.revision) ? known : topic;
    const entry = { topic: newest, readAtMs: this.#clock() };
    if (newest) {
      this.#entries.set(id, entry);
      this.#absent.delete(id);
    } else this.#absent.set(id, entry);
    return newest;
  }

  async #waitFor(
    reading: Promise<CatalogTopic | undefined>,
    entry: Entry,
  ): Promise<CatalogTopic | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        this.#letSourceRest();
        resolve(undefined);
      }, this.#refreshWaitMs);
    });
    try {
      const first = await Promise.race([reading.then((topic) => ({ topic })), tooLong]);
      return first ? first.topic : entry.topic;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The catalogue's view of a topic. */
export function toCatalogTopic(topic: Topic): CatalogTopic {
  return {
    id: topic.id,
    revision: topic.revision,
    schemaType: topic.schemaType,
    deleted: topic.deletedAtMs !== undefined,
    ...(topic.retentionClass === undefined ? {} : { retentionClass: topic.retentionClass }),
    versions: new Map(
      topic.versions.map(({ version, schemaHash, deletedAtMs, deprecation }) => [
        version,
        {
          schemaHash,
          deleted: deletedAtMs !== undefined,
          ...(deprecation === undefined ? {} : { deprecation }),
        },
      ]),
    ),
  };
}
