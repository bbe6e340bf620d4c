// Schemas as texts: their size and depth limits, the content hash that decides "the same schema", and the form
// in which the API returns them (contract §0.4, §5).

import { createHash } from 'node:crypto';
import { BrokerError, invalidParameter } from '../broker-error';
import type { SchemaText, SchemaType } from './topic';

/** Longest schema accepted, in UTF-8 bytes. */
export const maxSchemaBytes = 256 * 1024;
/** Deepest nesting of objects and lists in a JSON schema. */
export const maxSchemaDepth = 100;

/**
 * Checks the text of a new schema and hashes it. JSON texts that are equal after parsing have equal hashes;
 * any other text is equal only to itself.
 * @throws BrokerError `payload-too-large`, or `invalid-parameters` on field `schema`
 */
export function readSchemaText(schemaType: SchemaType, text: string): SchemaText {
  if (Buffer.byteLength(text) > maxSchemaBytes) {
    throw new BrokerError('payload-too-large', `A schema may have at most ${maxSchemaBytes} bytes.`);
  }
  if (!text.isWellFormed()) throw invalidParameter('schema', 'must be well-formed Unicode');
  const value = parseJson(text);
  if (schemaType === 'JSD7') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalidParameter('schema', 'must be the text of a JSON object');
    }
    if (depthExceeds(value, maxSchemaDepth)) {
      throw invalidParameter('schema', `must not be nested deeper than ${maxSchemaDepth} levels`);
    }
  }
  const canonical =
    value === undefined || depthExceeds(value, maxSchemaDepth)
      ? `text:${text}`
      : `json:${canonicalJson(value)}`;
  return { text, hash: createHash('sha256').update(canonical).digest('hex') };
}

/** A schema as the API returns it: JSON as that JSON, any other text wrapped under its type's name. */
export function schemaToJson(schemaType: SchemaType, text: string): unknown {
  const value = parseJson(text);
  return value === undefined ? { [schemaType]: text } : value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is nested deeper than `limit`; a loop, since recursion is what a deep value attacks. */
export function depthExceeds(value: unknown, limit: number): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= limit) return true;
    level = level.flatMap((member) => Object.values(member as Record<string, unknown>).filter(isNested));
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** JSON with sorted member names, no white space and numbers as JavaScript prints them. */
function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
