// The writes of the topic store, each inside a transaction. The owner's row is always taken first, so that two
// changes never wait for each other crosswise; counts and monitor times in it are part of the change.

import { sql, type Transaction } from 'kysely';
import { createHash } from 'node:crypto';
import { BrokerError } from '../../broker-error';
import { versionSortKey } from '../../topics/semantic-version';
import type { Topic, TopicVersion } from '../../topics/topic';
import { latestVersion, type TopicChange } from '../../topics/topic-change';
import { defaultCompatibility } from '../../topics/topic-options';
import type { Fault } from './backend';
import type { Tables } from './tables';

/** Somebody else wrote in between: the whole operation is to be decided anew. */
export class ChangedMeanwhile extends Error {
  constructor() {
    super('the topic was changed at the same time');
    this.name = 'ChangedMeanwhile';
  }
}

/** A key under which texts of any characters and length are equal only when they are so byte for byte. */
export function textKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

type FaultOf = (error: unknown) => Fault | undefined;

/** @throws BrokerError `record-exists`, ChangedMeanwhile */
export async function insertTopic(
  transaction: Transaction<Tables>,
  topic: Topic,
  schemaText: string,
  faultOf: FaultOf,
): Promise<void> {
  const ownerKey = textKey(topic.owner);
  const nowMs = topic.createdAtMs;
  const known = await touchOwner(transaction, ownerKey, nowMs, {
    topics: 1,
    rows: 1,
    topicMoved: true,
    versionMoved: true,
  });
  if (!known) {
    await transaction
      .insertInto('topic_owner')
      .values({
        owner_key: ownerKey,
        owner: topic.owner,
        live_topics: 1,
        all_topics: 1,
        last_topic_update_ms: nowMs,
        last_version_update_ms: nowMs,
      })
      .execute()
      .catch((error: unknown) => {
        throw faultOf(error) === 'unique-violation' ? new ChangedMeanwhile() : error;
      });
  }
  await transaction
    .insertInto('topic')
    .values({
      id: topic.id,
      owner_key: ownerKey,
      name: topic.name,
      live_key: '',
      schema_type: topic.schemaType,
      tags: JSON.stringify(topic.tags),
      search_text: searchText(topic),
      latest_version: latestVersion(topic),
      revision: topic.revision,
      created_at_ms: nowMs,
      deleted_at_ms: null,
      ...optionColumns(topic),
    })
    .execute()
    .catch((error: unknown) => {
      throw faultOf(error) === 'unique-violation'
        ? new BrokerError('record-exists', 'The owner has a live topic of this name.', { cause: error })
        : error;
    });
  for (const version of topic.versions) await insertVersion(transaction, topic.id, version, schemaText);
  await insertTags(transaction, topic);
}

/**
 * Writes the state after a change over the state before it, unless that is no longer there.
 * @throws ChangedMeanwhile
 */
export async function writeChange(
  transaction: Transaction<Tables>,
  before: Topic,
  after: Topic,
  change: TopicChange,
  nowMs: number,
): Promise<void> {
  const ends = after.deletedAtMs !== undefined;
  await touchOwner(transaction, textKey(after.owner), nowMs, {
    topics: ends ? -1 : 0,
    rows: 0,
    topicMoved: ends || change.kind === 'update-topic',
    versionMoved: change.kind !== 'update-topic',
  });
  const { numUpdatedRows } = await transaction
    .updateTable('topic')
    .set({
      live_key: ends ? after.id : '',
      tags: JSON.stringify(after.tags),
      search_text: searchText(after),
      latest_version: latestVersion(after),
      revision: after.revision,
      deleted_at_ms: after.deletedAtMs ?? null,
      ...optionColumns(after),
    })
    .where('id', '=', before.id)
    .where('revision', '=', before.revision)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new ChangedMeanwhile();

  switch (change.kind) {
    case 'publish-version': {
      const version = after.versions.find((candidate) => candidate.version === change.version);
      if (version) await insertVersion(transaction, after.id, version, change.schema.text);
      break;
    }
    case 'update-topic':
      await transaction.deleteFrom('topic_tag').where('topic_id', '=', after.id).execute();
      await insertTags(transaction, after);
      break;
    case 'deprecate-version':
      await transaction
        .updateTable('topic_version')
        .set({
          deprecated_at_ms: change.deprecation.sinceMs,
          sunset_at_ms: change.deprecation.sunsetAtMs,
        })
        .where('topic_id', '=', after.id)
        .where('version', '=', change.version)
        .execute();
      break;
    case 'delete-version':
      await endVersions(transaction, after.id, nowMs, change.version);
      break;
    case 'delete-topic':
      await endVersions(transaction, after.id, nowMs);
  }
}

interface OwnerTouch {
  /** Live topics more or fewer. */
  readonly topics: number;
  /** Topics more, deleted ones included. */
  readonly rows: number;
  readonly topicMoved: boolean;
  readonly versionMoved: boolean;
}

/** @returns whether there is a row of this owner */
async function touchOwner(
  transaction: Transaction<Tables>,
  ownerKey: string,
  nowMs: number,
  { topics, rows, topicMoved, versionMoved }: OwnerTouch,
): Promise<boolean> {
  // Instances' clocks differ, but who polls must see every change: a time never stands still or goes back.
  const later = (column: 'last_topic_update_ms' | 'last_version_update_ms') =>
    sql<number>`case when ${sql.ref(column)} >= ${nowMs} then ${sql.ref(column)} + 1 else ${nowMs} end`;
  const { numUpdatedRows } = await transaction
    .updateTable('topic_owner')
    .set({
      live_topics: sql<number>`live_topics + ${topics}`,
      all_topics: sql<number>`all_topics + ${rows}`,
      ...(topicMoved ? { last_topic_update_ms: later('last_topic_update_ms') } : {}),
      ...(versionMoved ? { last_version_update_ms: later('last_version_update_ms') } : {}),
    })
    .where('owner_key', '=', ownerKey)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function insertVersion(
  transaction: Transaction<Tables>,
  topicId: string,
  version: TopicVersion,
  schemaText: string,
): Promise<void> {
  await transaction
    .insertInto('topic_version')
    .values({
      topic_id: topicId,
      version: version.version,
      sort_key: versionSortKey(version.version),
      schema_text: schemaText,
      schema_hash: version.schemaHash,
      created_at_ms: version.createdAtMs,
      deleted_at_ms: null,
      deprecated_at_ms: null,
      sunset_at_ms: null,
    })
    .execute();
}

/** Marks one live version, or all of them, as deleted; the rows stay, and so do their numbers. */
async function endVersions(
  transaction: Transaction<Tables>,
  topicId: string,
  nowMs: number,
  version?: string,
): Promise<void> {
  let query = transaction
    .updateTable('topic_version')
    .set({ deleted_at_ms: nowMs })
    .where('topic_id', '=', topicId)
    .where('deleted_at_ms', 'is', null);
  if (version !== undefined) query = query.where('version', '=', version);
  await query.execute();
}

async function insertTags(transaction: Transaction<Tables>, topic: Topic): Promise<void> {
  if (topic.tags.length === 0) return;
  const rows = topic.tags.map((tag) => ({ topic_id: topic.id, tag_key: textKey(tag) }));
  await transaction.insertInto('topic_tag').values(rows).execute();
}

function chosen(value: string, otherwise: string): string | null {
  return value === otherwise ? null : value;
}

/** What nobody has chosen is null. */
function optionColumns({ compatibility, retentionClass }: Topic) {
  return {
    compatibility: chosen(compatibility.mode, defaultCompatibility.mode),
    unknown_properties: chosen(compatibility.unknownProperties, defaultCompatibility.unknownProperties),
    retention_class: retentionClass ?? null,
  };
}

/** No line can match across two texts: none of them holds a control character. */
function searchText({ owner, name, tags }: Topic): string {
  return [owner, name, ...tags].join('\n').toLowerCase();
}
