// Every change of the tables, numbered and named, forward only. A migration that has been released is never
// edited: databases that ran it would differ from those that will. T-SQL stays in the subset of portable
// statements: no names guarded by sys.indexes, no ALTER COLUMN, constraints named.

import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { maxNameLength } from '../../topics/topic-rules';
import { maxVersionLength } from '../../topics/semantic-version';
import type { SqlBackend } from './backend';

/** A character takes up to two UTF-16 units, in which SQL Server counts. */
const nameUnits = 2 * maxNameLength;
const idLength = 24;
const hashLength = 64;
/** versionSortKey() adds up to two characters to each of a version's own. */
const sortKeyLength = 4 * maxVersionLength;

/** In the order in which they run; names sort in that order. */
export function migrationsOf(backend: SqlBackend): Readonly<Record<string, Migration>> {
  return {
    '0001_topics': { up: (database) => createTopics(database as Kysely<never>, backend) },
    '0002_topic_options': { up: (database) => addTopicOptions(database as Kysely<never>, backend) },
    '0003_unknown_properties': { up: (database) => addUnknownProperties(database as Kysely<never>, backend) },
  };
}

/** The names this program knows, oldest first. */
export const migrationNames: readonly string[] = [
  '0001_topics',
  '0002_topic_options',
  '0003_unknown_properties',
];

/** Null: as every topic before. */
async function addUnknownProperties(database: Kysely<never>, { columns }: SqlBackend): Promise<void> {
  const type = sql.raw(columns.text(16));
  await database.schema.alterTable('topic').addColumn('unknown_properties', type).execute();
}

/** Null: as if nothing had been chosen, which is true of every topic before. */
async function addTopicOptions(database: Kysely<never>, { columns }: SqlBackend): Promise<void> {
  const text = (maxLength: number): RawBuilder<unknown> => sql.raw(columns.text(maxLength));
  const whole = sql.raw(columns.integer);
  const add = (table: string, column: string, type: RawBuilder<unknown>) =>
    database.schema.alterTable(table).addColumn(column, type).execute();
  await add('topic', 'compatibility', text(24));
  await add('topic', 'retention_class', text(16));
  await add('topic_version', 'deprecated_at_ms', whole);
  await add('topic_version', 'sunset_at_ms', whole);
}

async function createTopics(database: Kysely<never>, { columns }: SqlBackend): Promise<void> {
  const text = (maxLength: number): RawBuilder<unknown> => sql.raw(columns.text(maxLength));
  const longText = sql.raw(columns.longText);
  const whole = sql.raw(columns.integer);

  await database.schema
    .createTable('topic_owner')
    .addColumn('owner_key', text(hashLength), (column) => column.notNull())
    .addColumn('owner', text(nameUnits), (column) => column.notNull())
    .addColumn('live_topics', whole, (column) => column.notNull())
    .addColumn('all_topics', whole, (column) => column.notNull())
    .addColumn('last_topic_update_ms', whole, (column) => column.notNull())
    .addColumn('last_version_update_ms', whole, (column) => column.notNull())
    .addPrimaryKeyConstraint('pk_topic_owner', ['owner_key'])
    .execute();

  await database.schema
    .createTable('topic')
    .addColumn('id', text(idLength), (column) => column.notNull())
    .addColumn('owner_key', text(hashLength), (column) => column.notNull())
    .addColumn('name', text(nameUnits), (column) => column.notNull())
    .addColumn('live_key', text(idLength), (column) => column.notNull())
    .addColumn('schema_type', text(8), (column) => column.notNull())
    .addColumn('tags', longText, (column) => column.notNull())
    .addColumn('search_text', longText, (column) => column.notNull())
    .addColumn('latest_version', text(maxVersionLength), (column) => column.notNull())
    .addColumn('revision', whole, (column) => column.notNull())
    .addColumn('created_at_ms', whole, (column) => column.notNull())
    .addColumn('deleted_at_ms', whole)
    .addPrimaryKeyConstraint('pk_topic', ['id'])
    .addUniqueConstraint('uq_topic_name', ['owner_key', 'name', 'live_key'])
    .addForeignKeyConstraint('fk_topic_owner', ['owner_key'], 'topic_owner', ['owner_key'])
    .execute();
  // Listings in the order of names: of an owner and of all, live topics and all of them. The unique constraint
  // serves all topics of an owner.
  const orders = {
    ix_topic_owner_live_name: ['owner_key', 'live_key', 'name', 'id'],
    ix_topic_live_name: ['live_key', 'name', 'id'],
    ix_topic_name: ['name', 'id'],
  };
  for (const [name, ordered] of Object.entries(orders)) {
    await database.schema.createIndex(name).on('topic').columns(ordered).execute();
  }

  await database.schema
    .createTable('topic_version')
    .addColumn('topic_id', text(idLength), (column) => column.notNull())
    .addColumn('version', text(maxVersionLength), (column) => column.notNull())
    .addColumn('sort_key', text(sortKeyLength), (column) => column.notNull())
    .addColumn('schema_text', longText, (column) => column.notNull())
    .addColumn('schema_hash', text(hashLength), (column) => column.notNull())
    .addColumn('created_at_ms', whole, (column) => column.notNull())
    .addColumn('deleted_at_ms', whole)
    .addPrimaryKeyConstraint('pk_topic_version', ['topic_id', 'version'])
    .addForeignKeyConstraint('fk_topic_version_topic', ['topic_id'], 'topic', ['id'])
    .execute();
  await database.schema
    .createIndex('ix_topic_version_order')
    .on('topic_version')
    .columns(['topic_id', 'sort_key'])
    .execute();

  await database.schema
    .createTable('topic_tag')
    .addColumn('topic_id', text(idLength), (column) => column.notNull())
    .addColumn('tag_key', text(hashLength), (column) => column.notNull())
    .addPrimaryKeyConstraint('pk_topic_tag', ['topic_id', 'tag_key'])
    .addForeignKeyConstraint('fk_topic_tag_topic', ['topic_id'], 'topic', ['id'])
    .execute();
  await database.schema
    .createIndex('ix_topic_tag_key')
    .on('topic_tag')
    .columns(['tag_key', 'topic_id'])
    .execute();
}
