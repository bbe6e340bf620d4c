// What may be done to a topic: decisions without I/O. Each takes the topic as it is and gives the change to make,
// or undefined when there is nothing to do. A store applies a change only to the revision it was decided on.

import { BrokerError } from '../broker-error';
import { highestVersion } from './semantic-version';
import type { Deprecation, SchemaText, Topic, TopicVersion } from './topic';
import type { TopicOptions } from './topic-options';

export type TopicChange =
  | { readonly kind: 'publish-version'; readonly version: string; readonly schema: SchemaText }
  | ({ readonly kind: 'update-topic'; readonly tags: readonly string[] } & TopicOptions)
  | { readonly kind: 'deprecate-version'; readonly version: string; readonly deprecation: Deprecation }
  | { readonly kind: 'delete-version'; readonly version: string }
  | { readonly kind: 'delete-topic' };

export function topicNotFound(): BrokerError {
  return new BrokerError('topic-not-found', 'The topic or version does not exist.');
}

export function liveVersions(topic: Topic): readonly TopicVersion[] {
  return topic.versions.filter(({ deletedAtMs }) => deletedAtMs === undefined);
}

/**
 * The version that stands for the topic: its highest live one; of a deleted topic, the highest of all.
 * @throws Error for a topic without versions, which no store holds
 */
export function latestVersion(topic: Topic): string {
  const candidates = topic.deletedAtMs === undefined ? liveVersions(topic) : topic.versions;
  const latest = highestVersion(candidates.map(({ version }) => version));
  if (latest === undefined) throw new Error(`topic ${topic.id} has no version`);
  return latest;
}

/**
 * Versions are immutable: the same schema again is nothing to do, another one is refused, and so is the number
 * of a deleted version.
 * @throws BrokerError `topic-not-found`, `version-conflict`
 */
export function publishVersion(topic: Topic, version: string, schema: SchemaText): TopicChange | undefined {
  requireLive(topic);
  const taken = topic.versions.find((candidate) => candidate.version === version);
  if (!taken) return { kind: 'publish-version', version, schema };
  if (taken.deletedAtMs !== undefined) {
    throw new BrokerError('version-conflict', 'A deleted version had this number; publish under a new one.');
  }
  if (taken.schemaHash !== schema.hash) {
    throw new BrokerError(
      'version-conflict',
      'This version is published with a different schema; publish the change under a new number.',
    );
  }
  return undefined;
}

/** Members that are absent stay as they are. @throws BrokerError `topic-not-found` */
export function updateTopic(
  topic: Topic,
  wanted: Partial<TopicOptions & { readonly tags: readonly string[] }>,
): TopicChange | undefined {
  requireLive(topic);
  const { tags, compatibility, retentionClass } = { ...topic, ...wanted };
  const unchanged =
    tags.length === topic.tags.length &&
    tags.every((tag, index) => tag === topic.tags[index]) &&
    compatibility.mode === topic.compatibility.mode &&
    compatibility.unknownProperties === topic.compatibility.unknownProperties &&
    retentionClass === topic.retentionClass;
  return unchanged ? undefined : { kind: 'update-topic', tags, compatibility, retentionClass };
}

/** A version once deprecated stays so; its sunset may be moved. @throws BrokerError `topic-not-found` */
export function deprecateVersion(
  topic: Topic,
  version: string,
  { sunsetAtMs, nowMs }: { readonly sunsetAtMs: number; readonly nowMs: number },
): TopicChange | undefined {
  requireLive(topic);
  const found = liveVersions(topic).find((candidate) => candidate.version === version);
  if (!found) throw topicNotFound();
  if (found.deprecation?.sunsetAtMs === sunsetAtMs) return undefined;
  const sinceMs = found.deprecation?.sinceMs ?? nowMs;
  return { kind: 'deprecate-version', version, deprecation: { sinceMs, sunsetAtMs } };
}

/** Deleting the last live version deletes the topic. @throws BrokerError `topic-not-found` */
export function deleteVersion(topic: Topic, version: string): TopicChange {
  requireLive(topic);
  const live = liveVersions(topic);
  if (!live.some((candidate) => candidate.version === version)) throw topicNotFound();
  return live.length === 1 ? { kind: 'delete-topic' } : { kind: 'delete-version', version };
}

/** @throws BrokerError `topic-not-found` */
export function deleteTopic(topic: Topic): TopicChange {
  requireLive(topic);
  return { kind: 'delete-topic' };
}

function requireLive(topic: Topic): void {
  if (topic.deletedAtMs !== undefined) throw topicNotFound();
}

/** The topic after a change: one revision higher. */
export function applyChange(topic: Topic, change: TopicChange, nowMs: number): Topic {
  const next: Topic = { ...topic, revision: topic.revision + 1 };
  switch (change.kind) {
    case 'publish-version': {
      const version: TopicVersion = {
        version: change.version,
        schemaHash: change.schema.hash,
        createdAtMs: nowMs,
        deletedAtMs: undefined,
        deprecation: undefined,
      };
      return { ...next, versions: [...topic.versions, version] };
    }
    case 'update-topic': {
      const { tags, compatibility, retentionClass } = change;
      return { ...next, tags, compatibility, retentionClass };
    }
    case 'deprecate-version':
      return {
        ...next,
        versions: topic.versions.map((version) =>
          version.version === change.version ? { ...version, deprecation: change.deprecation } : version,
        ),
      };
    case 'delete-version':
      return {
        ...next,
        versions: topic.versions.map((version) =>
          version.version === change.version ? { ...version, deletedAtMs: nowMs } : version,
        ),
      };
    case 'delete-topic':
      return {
        ...next,
        deletedAtMs: nowMs,
        versions: topic.versions.map((version) => ({
          ...version,
          deletedAtMs: version.deletedAtMs ?? nowMs,
        })),
      };
  }
}
