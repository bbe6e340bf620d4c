// The reads of the topic store. What is polled every minute reads the owners' rows alone, so its cost does not
// grow with the number of topics or versions.

import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from 'kysely';
import type { SchemaType, Topic, TopicVersion, TopicView } from '../../topics/topic';
import {
  type CompatibilityMode,
  defaultCompatibility,
  type TopicOptions,
  type UnknownProperties,
} from '../../topics/topic-options';
import type {
  Listing,
  OwnerCount,
  OwnerUpdates,
  TopicFilter,
  TopicRevision,
  Window,
} from '../../topics/topic-store';
import type { SqlBackend } from './backend';
import type { Tables, TopicTable } from './tables';
import { textKey } from './topic-writing';

export async function findTopic(database: Kysely<Tables>, id: string): Promise<Topic | undefined> {
  // One statement, so that topic and versions are of one moment.
  const rows = await database
    .selectFrom('topic as t')
    .innerJoin('topic_owner as o', 'o.owner_key', 't.owner_key')
    .innerJoin('topic_version as v', 'v.topic_id', 't.id')
    .where('t.id', '=', id)
    .select(['o.owner', 't.name', 't.schema_type', 't.tags', 't.revision'])
    .select([
      't.created_at_ms',
      't.deleted_at_ms',
      't.compatibility',
      't.unknown_properties',
      't.retention_class',
    ])
    .select(['v.version', 'v.schema_hash'])
    .select(['v.created_at_ms as version_created_at_ms', 'v.deleted_at_ms as version_deleted_at_ms'])
    .select(['v.deprecated_at_ms', 'v.sunset_at_ms'])
    .execute();
  const first = rows[0];
  if (!first) return undefined;
  return {
    id,
    owner: first.owner,
    name: first.name,
    schemaType: first.schema_type as SchemaType,
    tags: JSON.parse(first.tags) as string[],
    ...toOptions(first),
    revision: Number(first.revision),
    createdAtMs: Number(first.created_at_ms),
    deletedAtMs: maybeNumber(first.deleted_at_ms),
    versions: rows.map((row): TopicVersion => ({
      version: row.version,
      schemaHash: row.schema_hash,
      createdAtMs: Number(row.version_created_at_ms),
      deletedAtMs: maybeNumber(row.version_deleted_at_ms),
      deprecation:
        row.deprecated_at_ms === null
          ? undefined
          : { sinceMs: Number(row.deprecated_at_ms), sunsetAtMs: Number(row.sunset_at_ms) },
    })),
  };
}

export async function viewVersion(
  database: Kysely<Tables>,
  id: string,
  version: string | undefined,
): Promise<TopicView | undefined> {
  const rows = await selectViews(database)
    .where('t.id', '=', id)
    .where((eb) =>
      version === undefined
        ? eb('v.version', '=', eb.ref('t.latest_version'))
        : eb('v.version', '=', version),
    )
    .execute();
  return rows[0] && toView(rows[0]);
}

export async function listTopics(
  database: Kysely<Tables>,
  backend: SqlBackend,
  filter: TopicFilter,
  window: Window,
): Promise<Listing> {
  const count = await countTopics(database, backend, filter);
  if (window.offset >= count) return { count, records: [] };
  // First the ids, from an index alone, then the rows: passing over pages does not touch the schemas.
  const ids = page(
    matching(database, backend, filter).select('t.id').orderBy('t.name').orderBy('t.id'),
    backend,
    window,
  ).as('p');
  const rows = await selectViews(database)
    .innerJoin(ids, 'p.id', 't.id')
    .whereRef('v.version', '=', 't.latest_version')
    .orderBy('t.name')
    .orderBy('t.id')
    .execute();
  return { count, records: rows.map(toView) };
}

async function countTopics(
  database: Kysely<Tables>,
  backend: SqlBackend,
  filter: TopicFilter,
): Promise<number> {
  const { owner, name, tags = [], keyword, includeDeleted } = filter;
  if (name === undefined && tags.length === 0 && keyword === undefined) {
    const column = includeDeleted ? 'all_topics' : 'live_topics';
    let owners = database
      .selectFrom('topic_owner')
      .select((eb) => eb.fn.sum<number | string | null>(column).as('count'));
    if (owner !== undefined) owners = owners.where('owner_key', '=', textKey(owner));
    const row = await owners.executeTakeFirst();
    return Number(row?.count ?? 0);
  }
  const row = await matching(database, backend, filter)
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

export async function listVersions(
  database: Kysely<Tables>,
  backend: SqlBackend,
  id: string,
  includeDeleted: boolean,
  window: Window,
): Promise<Listing> {
  let counting = database.selectFrom('topic_version').where('topic_id', '=', id);
  if (!includeDeleted) counting = counting.where('deleted_at_ms', 'is', null);
  const counted = await counting
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirst();
  const count = Number(counted?.count ?? 0);
  if (window.offset >= count) return { count, records: [] };
  let query = selectViews(database).where('t.id', '=', id);
  if (!includeDeleted) query = query.where('v.deleted_at_ms', 'is', null);
  const rows = await page(query.orderBy('v.sort_key', 'desc'), backend, window).execute();
  return { count, records: rows.map(toView) };
}

export async function countByOwner(
  database: Kysely<Tables>,
  owners: readonly string[],
): Promise<readonly OwnerCount[]> {
  if (owners.length === 0) return [];
  const rows = await database
    .selectFrom('topic_owner')
    .where('owner_key', 'in', owners.map(textKey))
    .select(['owner', 'live_topics'])
    .execute();
  const counts = new Map(rows.map((row) => [row.owner, Number(row.live_topics)]));
  return owners.map((owner) => ({ owner, count: counts.get(owner) ?? 0 }));
}

export async function updatesByOwner(
  database: Kysely<Tables>,
  owners: readonly string[],
): Promise<readonly OwnerUpdates[]> {
  if (owners.length === 0) return [];
  const rows = await database
    .selectFrom('topic_owner')
    .where('owner_key', 'in', owners.map(textKey))
    .select(['owner', 'last_topic_update_ms', 'last_version_update_ms'])
    .orderBy('owner')
    .execute();
  return rows.map((row) => ({
    owner: row.owner,
    lastTopicUpdateMs: Number(row.last_topic_update_ms),
    lastVersionUpdateMs: Number(row.last_version_update_ms),
  }));
}

/** Of owners with a change since then: found by the owners' rows, of which there are few. */
export async function listRevisions(
  database: Kysely<Tables>,
  backend: SqlBackend,
  sinceMs: number,
  after: string,
  limit: number,
): Promise<readonly TopicRevision[]> {
  const query = database
    .selectFrom('topic as t')
    .innerJoin('topic_owner as o', 'o.owner_key', 't.owner_key')
    .where((eb) =>
      eb.or([eb('o.last_topic_update_ms', '>', sinceMs), eb('o.last_version_update_ms', '>', sinceMs)]),
    )
    .where('t.id', '>', after)
    .select(['t.id', 't.revision'])
    .orderBy('t.id');
  const rows = await page(query, backend, { offset: 0, limit }).execute();
  return rows.map(({ id, revision }) => ({ id, revision: Number(revision) }));
}

/** Topics that meet every condition of a filter. */
function matching(database: Kysely<Tables>, { contains }: SqlBackend, filter: TopicFilter) {
  const { owner, name, tags = [], keyword, includeDeleted } = filter;
  let query = database.selectFrom('topic as t');
  if (!includeDeleted) query = query.where('t.live_key', '=', '');
  if (owner !== undefined) query = query.where('t.owner_key', '=', textKey(owner));
  if (name !== undefined) query = query.where('t.name', '=', name);
  if (keyword !== undefined) {
    query = query.where((eb) => contains(eb.ref('t.search_text'), keyword.toLowerCase()));
  }
  for (const tag of tags) {
    query = query.where((eb) =>
      eb.exists(
        eb
          .selectFrom('topic_tag as g')
          .select(sql`1`.as('one'))
          .whereRef('g.topic_id', '=', 't.id')
          .where('g.tag_key', '=', textKey(tag)),
      ),
    );
  }
  return query;
}

function selectViews(database: Kysely<Tables>) {
  return database
    .selectFrom('topic as t')
    .innerJoin('topic_owner as o', 'o.owner_key', 't.owner_key')
    .innerJoin('topic_version as v', 'v.topic_id', 't.id')
    .select(['t.id', 'o.owner', 't.name', 't.schema_type', 't.tags', 't.revision'])
    .select(['t.compatibility', 't.unknown_properties', 't.retention_class'])
    .select(['v.version', 'v.schema_text', 'v.schema_hash', 'v.deleted_at_ms as version_deleted_at_ms']);
}

/** Rows of `selectViews`. */
type ViewRow = Awaited<ReturnType<ReturnType<typeof selectViews>['execute']>>[number];

/** A deleted topic's versions are all deleted, so the version's mark is enough. */
function toView(row: ViewRow): TopicView {
  return {
    id: row.id,
    owner: row.owner,
    name: row.name,
    schemaType: row.schema_type as SchemaType,
    tags: JSON.parse(row.tags) as string[],
    ...toOptions(row),
    version: row.version,
    schemaText: row.schema_text,
    schemaHash: row.schema_hash,
    revision: Number(row.revision),
    deleted: row.version_deleted_at_ms !== null,
  };
}

/** The stretch of an ordered query that a window means. */
function page<From, Output>(
  query: SelectQueryBuilder<Tables & From, keyof (Tables & From), Output>,
  backend: SqlBackend,
  { offset, limit }: Window,
) {
  if (backend.paging === 'fetch') {
    const skipped = query.offset(offset);
    return limit === undefined ? skipped : skipped.fetch(limit);
  }
  return query.limit(limit ?? -1).offset(offset);
}

function toOptions(
  row: Pick<Selectable<TopicTable>, 'compatibility' | 'unknown_properties' | 'retention_class'>,
): TopicOptions {
  const { mode, unknownProperties } = defaultCompatibility;
  return {
    compatibility: {
      mode: (row.compatibility ?? mode) as CompatibilityMode,
      unknownProperties: (row.unknown_properties ?? unknownProperties) as UnknownProperties,
    },
    retentionClass: row.retention_class ?? undefined,
  };
}

function maybeNumber(value: number | string | null): number | undefined {
  return value === null ? undefined : Number(value);
}
