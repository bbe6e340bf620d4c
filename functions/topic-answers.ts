// What the topic routes answer and have in common: the schemas of topics, pages and confirmations, and how a
// topic is printed.

import { type Static, Type } from '@sinclair/typebox';
import { formatEntityTag, type Precondition, readIfMatch } from '../shared/http/entity-tag';
import type { Call, Reply } from '../shared/http/route';
import {
  compatibilityModes,
  type CompatibilityOptions,
  type CompatibilityReport,
  type Page,
  type PageRequest,
  schemaToJson,
  schemaTypes,
  stateTagOf,
  type TopicView,
  unknownPropertiesChoices,
} from '../shared/topics';

/** A schema of 256 KiB may be six times as long inside a JSON string. */
export const maxSchemaBodyBytes = 2 * 1024 * 1024;
/** More than this many records at once have to be asked for page by page. */
const maxLimit = 10_000;

export const mode = Type.Union(
  compatibilityModes.map((name) => Type.Literal(name)),
  {
    description:
      'BACKWARD: a new version accepts all that writers to the latest live one produce. FORWARD: the other way round. FULL: both. TRANSITIVE: of all live versions.',
  },
);
export const unknownProperties = Type.Union(
  unknownPropertiesChoices.map((name) => Type.Literal(name)),
  {
    description: 'Whether writers are taken to produce properties that their schema does not name.',
    default: 'ignored',
  },
);

const TopicSchema = Type.Object({
  id: Type.String({ description: '24 lower-case hex characters.', pattern: '^[0-9a-f]{24}$' }),
  name: Type.String(),
  owner: Type.String({ description: 'The namespace whose topic creators administer it.' }),
  schemaType: Type.Union(schemaTypes.map((name) => Type.Literal(name))),
  version: Type.String({ description: 'Semantic version.' }),
  schema: Type.Unknown({ description: 'JSON as that JSON; any other text wrapped: `{"XSD6":"…"}`.' }),
  tags: Type.Array(Type.String()),
  deleted: Type.Boolean(),
  compatibility: Type.Optional(
    Type.Union([mode, Type.Object({ mode, unknownProperties })], { description: 'Absent: `NONE`.' }),
  ),
  retentionClass: Type.Optional(Type.String({ description: 'Absent: the default class.' })),
});
type TopicAnswer = Static<typeof TopicSchema>;

const PageSchema = Type.Object({
  count: Type.Integer({ description: 'Records that match, on this page or not.', minimum: 0 }),
  limit: Type.Integer({ description: 'As asked; without limit, the same as count.', minimum: 0 }),
  page: Type.Integer({ minimum: 1 }),
  records: Type.Array(TopicSchema),
});

export const paging = {
  limit: Type.Optional(
    Type.Integer({ description: 'Records a page; absent: all.', minimum: 1, maximum: maxLimit }),
  ),
  page: Type.Optional(
    Type.Integer({ description: 'From 1; one past the end is empty. More than 1 needs limit.', minimum: 1 }),
  ),
};
export const includeDeleted = Type.Optional(
  Type.Boolean({ description: 'Deleted ones too.', default: false }),
);
export const idParams = Type.Object({ id: Type.String() });
export const versionParams = Type.Object({ id: Type.String(), version: Type.String() });
export const schemaText = Type.String({ description: 'The text of the schema, at most 256 KiB in UTF-8.' });

const EndedSchema = Type.Object({
  returnCode: Type.Literal('00'),
  returnMessage: Type.Literal('Success'),
  timestamp: Type.String({ description: 'ISO 8601.' }),
});

const topicAnswer = { description: 'The topic.', schema: TopicSchema };

export const pageAnswers = { 200: { description: 'A page of topics.', schema: PageSchema } };
/** A change goes on only with an If-Match that names the present state, when one is sent. */
export const endedAnswers = { 200: { description: 'Done.', schema: EndedSchema } };
/** `tagged` is what the ETag names. */
export const taggedAnswers = (tagged: string) => ({
  200: {
    ...topicAnswer,
    headers: { ETag: `Names ${tagged}; a change with it as If-Match overwrites nothing unseen.` },
  },
});

const verdictHeader = 'X-DDHub-Compatibility';
/** What is published also says what comparing it has said. */
export const publishedAnswers = {
  200: {
    ...topicAnswer,
    headers: {
      ...taggedAnswers('the schema of the version')[200].headers,
      [verdictHeader]:
        '`compatible`, or `unknown`, which is not refused; `not-compared` without a compatibility mode, and for what was published already.',
    },
  },
};

function toAnswer(view: TopicView): TopicAnswer {
  const { id, name, owner, schemaType, version, deleted } = view;
  const schema = schemaToJson(schemaType, view.schemaText);
  const { compatibility, retentionClass } = view;
  return {
    ...{ id, name, owner, schemaType, version, schema, tags: [...view.tags], deleted },
    // Only when somebody has chosen one: existing gateways do not know it.
    ...printCompatibility(compatibility),
    ...(retentionClass === undefined ? {} : { retentionClass }),
  };
}

/** As PUT /topics/{id} takes it: the mode alone, as long as that says all. */
function printCompatibility({
  mode: chosen,
  unknownProperties: counted,
}: CompatibilityOptions): Pick<TopicAnswer, 'compatibility'> {
  if (counted !== 'ignored') return { compatibility: { mode: chosen, unknownProperties: counted } };
  return chosen === 'NONE' ? {} : { compatibility: chosen };
}

export function ended(nowMs: number): Static<typeof EndedSchema> {
  return { returnCode: '00', returnMessage: 'Success', timestamp: new Date(nowMs).toISOString() };
}

export function toPageAnswer({ count, limit, page, records }: Page): Static<typeof PageSchema> {
  return { count, limit, page, records: records.map(toAnswer) };
}

export function toPageRequest({ limit, page }: { limit?: number; page?: number }): PageRequest {
  return { ...(limit === undefined ? {} : { limit }), ...(page === undefined ? {} : { page }) };
}

/** A topic with the tag of its state. */
export function topicReply(view: TopicView): Reply {
  return { json: toAnswer(view), headers: { etag: formatEntityTag(stateTagOf(view)) } };
}

/** A version with the tag of its schema, which never changes. */
export function versionReply(view: TopicView): Reply {
  return { json: toAnswer(view), headers: { etag: formatEntityTag(view.schemaHash) } };
}

/** The same for a version that may have been published just now. */
export function publishedReply(view: TopicView, compatibility: CompatibilityReport | undefined): Reply {
  const reply = versionReply(view);
  const isCompared = compatibility !== undefined && compatibility.mode !== 'NONE';
  const verdict = isCompared ? compatibility.verdict : 'not-compared';
  return { ...reply, headers: { ...reply.headers, [verdictHeader]: verdict } };
}

export function preconditionOf({ request }: Pick<Call, 'request'>): Precondition {
  return readIfMatch(request.headers.get('if-match'));
}
