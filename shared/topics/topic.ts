// What a topic is: a name that an owner has given, and its versions, each with a schema that never changes.
// Plain data; the rules are in topic-rules.ts and topic-change.ts.

import { randomBytes } from 'node:crypto';
import type { TopicOptions } from './topic-options';

export const schemaTypes = ['JSD7', 'XSD6', 'XML', 'CSV', 'TSV'] as const;
export type SchemaType = (typeof schemaTypes)[number];

/** A version without its schema's text, which is read only where it is needed. */
export interface TopicVersion {
  /** Semantic version, e.g. `1.0.0-rc.1`. */
  readonly version: string;
  /** Content hash of the schema, see schema-text.ts. Equal hashes are equal schemas. */
  readonly schemaHash: string;
  readonly createdAtMs: number;
  /** Absent while the version is live. */
  readonly deletedAtMs: number | undefined;
  /** Absent: the version is not deprecated. */
  readonly deprecation: Deprecation | undefined;
}

export interface Deprecation {
  readonly sinceMs: number;
  /** From then on nothing can be published to the version. */
  readonly sunsetAtMs: number;
}

/** A topic with all its versions, deleted ones included: their numbers stay taken. */
export interface Topic extends TopicOptions {
  /** 24 lower-case hex characters, random, never used again. */
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly schemaType: SchemaType;
  readonly tags: readonly string[];
  /** Grows by one with every change of the topic or of its versions. */
  readonly revision: number;
  readonly createdAtMs: number;
  /** Absent while the topic is live. */
  readonly deletedAtMs: number | undefined;
  /** In no order. */
  readonly versions: readonly TopicVersion[];
}

/** A schema as it was sent, and the hash that tells equal ones. */
export interface SchemaText {
  readonly text: string;
  readonly hash: string;
}

/** One version as the API shows it. */
export interface TopicView extends TopicOptions {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly schemaType: SchemaType;
  readonly tags: readonly string[];
  readonly version: string;
  readonly schemaText: string;
  readonly schemaHash: string;
  readonly revision: number;
  readonly deleted: boolean;
}

/** Names the state of a topic: another one after every change of it or of its versions. */
export function stateTagOf({ revision }: Pick<Topic, 'revision'>): string {
  return `r${revision}`;
}

const topicIdPattern = /^[0-9a-f]{24}$/;

export function isTopicId(text: string): boolean {
  return topicIdPattern.test(text);
}

/** A random topic id. */
export function newTopicId(): string {
  return randomBytes(12).toString('hex');
}
