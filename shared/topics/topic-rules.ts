// What owners, names, tags and versions may look like (contract §5). They are compared byte for byte: nothing
// here trims, folds or normalises; what would not survive a store unchanged is refused instead.

import { BrokerError, type Fault } from '../broker-error';
import { isSemanticVersion, maxVersionLength } from './semantic-version';
import { type SchemaType, schemaTypes } from './topic';

/** Longest owner and name, in characters (code points, as JSON Schema counts). */
export const maxNameLength = 255;
export const maxTagLength = 100;
export const maxTags = 50;

/** What POST /topics says of a topic, apart from its schema and tags. */
export interface TopicNaming {
  readonly owner: string;
  readonly name: string;
  readonly schemaType: string;
  readonly version: string;
}

/**
 * @returns the schema type
 * @throws BrokerError `invalid-parameters` with every fault
 */
export function checkNaming(draft: TopicNaming): SchemaType {
  const faults = [
    ...nameFaults('owner', draft.owner),
    ...ownerFaults(draft.owner),
    ...nameFaults('name', draft.name),
    ...versionFaults(draft.version),
    ...(isSchemaType(draft.schemaType)
      ? []
      : [{ field: 'schemaType', message: `must be one of ${schemaTypes.join(', ')}` }]),
  ];
  refuse(faults);
  return draft.schemaType as SchemaType;
}

/**
 * Tags are a set: the first of equal ones stays, in the order sent.
 * @throws BrokerError `invalid-parameters`
 */
export function readTags(tags: readonly string[]): readonly string[] {
  const distinct = [...new Set(tags)];
  refuse(tagFaults(distinct));
  return distinct;
}

/** @throws BrokerError `invalid-parameters` */
export function checkVersion(version: string): void {
  refuse(versionFaults(version));
}

function isSchemaType(text: string): text is SchemaType {
  return (schemaTypes as readonly string[]).includes(text);
}

/** Whether a text can be the name of an owner or topic at all; asking a store for any other is in vain. */
export function canBeName(text: string): boolean {
  return nameFaults('name', text).length === 0;
}

/** Gateways sometimes send an owner in quotation marks. */
export function unwrapOwner(owner: string): string {
  return owner.length >= 2 && owner.startsWith('"') && owner.endsWith('"') ? owner.slice(1, -1) : owner;
}

function ownerFaults(owner: string): readonly Fault[] {
  return unwrapOwner(owner) === owner
    ? []
    : [{ field: 'owner', message: 'must not be wrapped in quotation marks' }];
}

function nameFaults(field: string, text: string): readonly Fault[] {
  return /^\s|\s$/u.test(text)
    ? [{ field, message: 'must not begin or end with white space' }]
    : textFaults(field, text, maxNameLength);
}

function textFaults(field: string, text: string, maxLength: number): readonly Fault[] {
  const fault = (message: string): readonly Fault[] => [{ field, message }];
  if (text === '') return fault('must not be empty');
  // length counts UTF-16 units, of which a character has at most two: the costly count only when it matters.
  if (text.length > maxLength && Array.from(text).length > maxLength) {
    return fault(`must have at most ${maxLength} characters`);
  }
  if (/\p{Cc}/u.test(text)) return fault('must not contain control characters');
  return text.isWellFormed() ? [] : fault('must be well-formed Unicode');
}

function tagFaults(tags: readonly string[]): readonly Fault[] {
  if (tags.length > maxTags) return [{ field: 'tags', message: `must be at most ${maxTags}` }];
  return tags.flatMap((tag, index) => textFaults(`tags/${index}`, tag, maxTagLength)).slice(0, 1);
}

function versionFaults(version: string): readonly Fault[] {
  if (isSemanticVersion(version)) return [];
  const limit = `of at most ${maxVersionLength} characters`;
  return [{ field: 'version', message: `must be a semantic version ${limit} such as 1.0.0 or 1.1.0-rc.1` }];
}

function refuse(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const detail = faults.map(({ field, message }) => `${field} : ${message}`).join(', ');
  throw new BrokerError('invalid-parameters', detail, { faults });
}
