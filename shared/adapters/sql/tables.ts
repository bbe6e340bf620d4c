// The tables as the program sees them; migrations.ts creates them. Numbers may come back as texts (64-bit
// integers of SQL Server do), so every read passes through Number().

import type { ColumnType } from 'kysely';

/** A 64-bit integer: written as a number, read as either. */
type Whole = ColumnType<number | string, number, number>;
type MaybeWhole = ColumnType<number | string | null, number | null, number | null>;

/** What is polled every minute for every owner, kept current by every change in the same transaction. */
export interface OwnerTable {
  /** SHA-256 of the owner in hex: equality byte for byte on every backend (SQL Server pads trailing blanks). */
  owner_key: string;
  owner: string;
  live_topics: Whole;
  all_topics: Whole;
  last_topic_update_ms: Whole;
  last_version_update_ms: Whole;
}

export interface TopicTable {
  id: string;
  owner_key: string;
  name: string;
  /** Empty while the topic is live, else its id: unique (owner_key, name, live_key) lets a name be used again. */
  live_key: string;
  schema_type: string;
  /** JSON list, in the order given. */
  tags: string;
  /** Owner, name and tags in lower case, one a line: what a keyword is looked for in. */
  search_text: string;
  /** The version that stands for the topic. */
  latest_version: string;
  revision: Whole;
  created_at_ms: Whole;
  deleted_at_ms: MaybeWhole;
  /** Null: NONE. */
  compatibility: string | null;
  /** Null: ignored. */
  unknown_properties: string | null;
  /** Null: the default class. */
  retention_class: string | null;
}

export interface TopicVersionTable {
  topic_id: string;
  version: string;
  /** Orders as precedence does, see semantic-version.ts. */
  sort_key: string;
  schema_text: string;
  schema_hash: string;
  created_at_ms: Whole;
  deleted_at_ms: MaybeWhole;
  /** Null, as the next one: not deprecated. */
  deprecated_at_ms: MaybeWhole;
  sunset_at_ms: MaybeWhole;
}

export interface TopicTagTable {
  topic_id: string;
  /** SHA-256 of the tag in hex, for the same reason as owner_key. */
  tag_key: string;
}

export interface MigrationTable {
  name: string;
  timestamp: string;
}

export interface Tables {
  topic_owner: OwnerTable;
  topic: TopicTable;
  topic_version: TopicVersionTable;
  topic_tag: TopicTagTable;
  kysely_migration: MigrationTable;
}
