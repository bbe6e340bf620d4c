// Port: where topics are recorded. SQL is the system of record (design §7); the contract suite in test/contract
// says what every implementation does.

import type { TopicChange } from './topic-change';
import type { SchemaText, SchemaType, Topic, TopicView } from './topic';

export interface NewTopic {
  readonly owner: string;
  readonly name: string;
  readonly schemaType: SchemaType;
  readonly tags: readonly string[];
  readonly version: string;
  readonly schema: SchemaText;
}

/** Which topics; every given condition must hold. Texts are compared byte for byte. */
export interface TopicFilter {
  readonly owner?: string;
  readonly name?: string;
  /** The topic has all of them. */
  readonly tags?: readonly string[];
  /** Part of owner, name or a tag, upper and lower case alike. */
  readonly keyword?: string;
  readonly includeDeleted: boolean;
}

/** A stretch of a listing. */
export interface Window {
  /** How many records to pass over. */
  readonly offset: number;
  /** At most so many; absent: all. */
  readonly limit: number | undefined;
}

export interface Listing {
  /** How many match, inside the window or not. */
  readonly count: number;
  readonly records: readonly TopicView[];
}

export interface TopicRevision {
  readonly id: string;
  readonly revision: number;
}

export interface OwnerCount {
  readonly owner: string;
  readonly count: number;
}

export interface OwnerUpdates {
  readonly owner: string;
  /** Epoch milliseconds; strictly greater after every creation, change of tags and deletion of a topic. */
  readonly lastTopicUpdateMs: number;
  /** Epoch milliseconds; strictly greater after every creation and deletion of a version. */
  readonly lastVersionUpdateMs: number;
}

/**
 * Every call rejects with BrokerError `topic-store-unavailable` while the store cannot be asked, or while its
 * tables are not those of this program.
 */
export interface TopicStore {
  /**
   * @param id of the topic; absent: a random one
   * @throws BrokerError `record-exists` when the owner has a live topic of that name
   */
  create(topic: NewTopic, id?: string): Promise<Topic>;

  /** A topic, deleted or not. */
  find(id: string): Promise<Topic | undefined>;

  /**
   * Changes a topic as `decide` says for its present state. When somebody else changes it at the same time,
   * `decide` is asked again for the new state. What it throws comes out; undefined changes nothing.
   * @returns the topic after the change
   * @throws BrokerError `topic-not-found` when there is no such id
   */
  change(id: string, decide: (topic: Topic) => TopicChange | undefined): Promise<Topic>;

  /** One version with its schema; without a version the one that stands for the topic. Deleted ones too. */
  view(id: string, version?: string): Promise<TopicView | undefined>;

  /** Topics with the version that stands for each, ordered by name (in binary order) and id. */
  list(filter: TopicFilter, window: Window): Promise<Listing>;

  /** Versions of a topic, from the highest to the lowest. */
  listVersions(id: string, includeDeleted: boolean, window: Window): Promise<Listing>;

  /** Live topics of each owner, in the order asked; 0 for an unknown one. */
  countByOwner(owners: readonly string[]): Promise<readonly OwnerCount[]>;

  /** Last changes of those owners that have or had topics. */
  updatesByOwner(owners: readonly string[]): Promise<readonly OwnerUpdates[]>;

  /**
   * Ids after `after`, ascending, with their revisions: topics, deleted ones too, of owners that had a change since
   * an instant (epoch ms).
   */
  listRevisions(sinceMs: number, after: string, limit: number): Promise<readonly TopicRevision[]>;

  /** Resolves when the store answers and its tables are those of this program. */
  check(): Promise<void>;

  close(): Promise<void>;
}
