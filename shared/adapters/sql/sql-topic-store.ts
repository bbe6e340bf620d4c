// TopicStore on SQL. The decisions are topic-change.ts's; a change is written only to the revision it was decided
// on (a guarded UPDATE), so nothing depends on lock hints or isolation levels.

import { Kysely, type Transaction } from 'kysely';
import { BrokerError } from '../../broker-error';
import type { Clock } from '../../clock';
import { newTopicId, type Topic, type TopicView } from '../../topics/topic';
import { applyChange, type TopicChange, topicNotFound } from '../../topics/topic-change';
import { defaultCompatibility } from '../../topics/topic-options';
import type {
  Listing,
  NewTopic,
  OwnerCount,
  OwnerUpdates,
  TopicFilter,
  TopicRevision,
  TopicStore,
  Window,
} from '../../topics/topic-store';
import type { SqlBackend } from './backend';
import { describeMismatch, executedMigrations } from './schema-version';
import type { Tables } from './tables';
import * as reading from './topic-reading';
import * as writing from './topic-writing';

/** Tries of one change, the first included; more than that is a quarrel among many instances. */
const maxTries = 8;
const unavailableRetrySeconds = 30;

export class SqlTopicStore implements TopicStore {
  readonly #backend: SqlBackend;
  readonly #clock: Clock;
  readonly #database: Kysely<Tables>;
  #checked: Promise<void> | undefined;

  /** Connects at the first call. */
  constructor(backend: SqlBackend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
    this.#database = new Kysely<Tables>({ dialect: backend.dialect });
  }

  create(topic: NewTopic, id = newTopicId()): Promise<Topic> {
    return this.#run(async () => {
      const created = newTopic(id, topic, this.#clock());
      await this.#transaction((transaction) =>
        writing.insertTopic(transaction, created, topic.schema.text, this.#backend.faultOf),
      );
      return created;
    });
  }

  find(id: string): Promise<Topic | undefined> {
    return this.#run(() => reading.findTopic(this.#database, id));
  }

  change(id: string, decide: (topic: Topic) => TopicChange | undefined): Promise<Topic> {
    return this.#run(async () => {
      const topic = await reading.findTopic(this.#database, id);
      if (!topic) throw topicNotFound();
      const change = decide(topic);
      if (!change) return topic;
      const nowMs = this.#clock();
      const changed = applyChange(topic, change, nowMs);
      await this.#transaction((transaction) =>
        writing.writeChange(transaction, topic, changed, change, nowMs),
      );
      return changed;
    });
  }

  view(id: string, version?: string): Promise<TopicView | undefined> {
    return this.#run(() => reading.viewVersion(this.#database, id, version));
  }

  list(filter: TopicFilter, window: Window): Promise<Listing> {
    return this.#run(() => reading.listTopics(this.#database, this.#backend, filter, window));
  }

  listVersions(id: string, includeDeleted: boolean, window: Window): Promise<Listing> {
    return this.#run(() => reading.listVersions(this.#database, this.#backend, id, includeDeleted, window));
  }

  countByOwner(owners: readonly string[]): Promise<readonly OwnerCount[]> {
    return this.#run(() => reading.countByOwner(this.#database, owners));
  }

  updatesByOwner(owners: readonly string[]): Promise<readonly OwnerUpdates[]> {
    return this.#run(() => reading.updatesByOwner(this.#database, owners));
  }

  listRevisions(sinceMs: number, after: string, limit: number): Promise<readonly TopicRevision[]> {
    return this.#run(() => reading.listRevisions(this.#database, this.#backend, sinceMs, after, limit));
  }

  async check(): Promise<void> {
    this.#checked = undefined;
    await this.#run(() => Promise.resolve());
  }

  close(): Promise<void> {
    return this.#database.destroy();
  }

  #transaction(work: (transaction: Transaction<Tables>) => Promise<void>): Promise<void> {
    return this.#database.transaction().execute(work);
  }

  /** Checks the tables once, does the work, tries again what may succeed at once, and translates the rest. */
  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let tried = 1; ; tried++) {
      try {
        await this.#requireSchema();
        return await work();
      } catch (error) {
        if (error instanceof BrokerError) throw error;
        const fault = error instanceof writing.ChangedMeanwhile ? 'again-now' : this.#backend.faultOf(error);
        if (fault === undefined) throw error;
        if (fault === 'unavailable' || tried === maxTries) throw unavailable(error);
        // Full jitter, so that those who collided do not collide again.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** tried));
      }
    }
  }

  async #requireSchema(): Promise<void> {
    this.#checked ??= this.#checkSchema();
    try {
      await this.#checked;
    } catch (error) {
      this.#checked = undefined;
      throw error;
    }
  }

  async #checkSchema(): Promise<void> {
    const mismatch = describeMismatch(await executedMigrations(this.#database));
    if (mismatch !== undefined) {
      throw new BrokerError('topic-store-unavailable', mismatch, {
        retryAfterSeconds: unavailableRetrySeconds,
      });
    }
  }
}

function unavailable(cause: unknown): BrokerError {
  return new BrokerError('topic-store-unavailable', 'The topic store does not answer; try again later.', {
    retryAfterSeconds: unavailableRetrySeconds,
    cause,
  });
}

function newTopic(id: string, topic: NewTopic, nowMs: number): Topic {
  const { owner, name, schemaType, tags, version, schema } = topic;
  return {
    id,
    owner,
    name,
    schemaType,
    tags,
    compatibility: defaultCompatibility,
    retentionClass: undefined,
    revision: 1,
    createdAtMs: nowMs,
    deletedAtMs: undefined,
    versions: [
      {
        version,
        schemaHash: schema.hash,
        createdAtMs: nowMs,
        deletedAtMs: undefined,
        deprecation: undefined,
      },
    ],
  };
}
