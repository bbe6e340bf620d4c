// Routes of topics (contract §5): read, call, write. What is allowed and how it is done is in shared/topics.

import { type Static, Type } from '@sinclair/typebox';
import type { Clock } from '../shared/clock';
import type { Route } from '../shared/http/route';
import { route } from '../shared/http/route';
import { type Page, type PageRequest, schemaToJson, schemaTypes, type TopicView } from '../shared/topics';
import type { TopicAdministration } from '../shared/topics';

export interface TopicRouteDependencies {
  readonly administration: TopicAdministration;
  readonly clock: Clock;
}

const tag = 'Topics';
/** A schema of 256 KiB may be six times as long inside a JSON string. */
const maxSchemaBodyBytes = 2 * 1024 * 1024;
/** More than this many records at once have to be asked for page by page. */
const maxLimit = 10_000;
/** As many as fit a URL of 16 KB, and below the 2,100 parameters of a SQL Server statement. */
const maxOwners = 2_000;

const TopicSchema = Type.Object({
  id: Type.String({ description: '24 lower-case hex characters.', pattern: '^[0-9a-f]{24}$' }),
  name: Type.String(),
  owner: Type.String({ description: 'The namespace whose topic creators administer it.' }),
  schemaType: Type.Union(schemaTypes.map((name) => Type.Literal(name))),
  version: Type.String({ description: 'Semantic version.' }),
  schema: Type.Unknown({ description: 'JSON as that JSON; any other text wrapped: `{"XSD6":"…"}`.' }),
  tags: Type.Array(Type.String()),
  deleted: Type.Boolean(),
});
type TopicAnswer = Static<typeof TopicSchema>;

const PageSchema = Type.Object({
  count: Type.Integer({ description: 'Records that match, on this page or not.', minimum: 0 }),
  limit: Type.Integer({ description: 'As asked; without limit, the same as count.', minimum: 0 }),
  page: Type.Integer({ minimum: 1 }),
  records: Type.Array(TopicSchema),
});

const paging = {
  limit: Type.Optional(
    Type.Integer({ description: 'Records a page; absent: all.', minimum: 1, maximum: maxLimit }),
  ),
  page: Type.Optional(
    Type.Integer({ description: 'From 1; one past the end is empty. More than 1 needs limit.', minimum: 1 }),
  ),
};
const includeDeleted = Type.Optional(Type.Boolean({ description: 'Deleted ones too.', default: false }));
const idParams = Type.Object({ id: Type.String() });
const versionParams = Type.Object({ id: Type.String(), version: Type.String() });
const tags = Type.Array(Type.String(), {
  description: 'A set: of equal tags the first stays. At most 50, each of at most 100 characters.',
});
const owners = Type.Array(Type.String(), {
  description: 'Exact owners, each may be wrapped in quotation marks.',
  maxItems: maxOwners,
});
const schemaText = Type.String({ description: 'The text of the schema, at most 256 KiB in UTF-8.' });

const EndedSchema = Type.Object({
  returnCode: Type.Literal('00'),
  returnMessage: Type.Literal('Success'),
  timestamp: Type.String({ description: 'ISO 8601.' }),
});

const topicAnswer = { 200: { description: 'The topic.', schema: TopicSchema } };
const endedAnswer = { 200: { description: 'Done.', schema: EndedSchema } };
const pageAnswer = { 200: { description: 'A page of topics.', schema: PageSchema } };

export function topicRoutes({ administration, clock }: TopicRouteDependencies): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: 'topics',
      operationId: 'createTopic',
      summary: 'Creates a topic with its first version.',
      tag,
      access: 'participant',
      maxBodyBytes: maxSchemaBodyBytes,
      body: Type.Object(
        {
          name: Type.String({ description: '1–255 characters, no white space at the ends; case counts.' }),
          owner: Type.String({ description: 'The namespace of a topic creator role of the caller.' }),
          schemaType: Type.String({ description: `One of ${schemaTypes.join(', ')}; so far JSD7 alone.` }),
          version: Type.String({ description: 'Semantic version, e.g. `1.0.0`.' }),
          schema: schemaText,
          tags: Type.Optional(tags),
        },
        {
          examples: [
            {
              name: 'greetings',
              owner: 'demo.apps.demo.iam.ewc',
              schemaType: 'JSD7',
              version: '1.0.0',
              schema: '{"type":"object"}',
              tags: ['demo'],
            },
          ],
        },
      ),
      responses: topicAnswer,
      problems: ['record-exists', 'schema-invalid', 'schema-type-unsupported', 'topic-store-unavailable'],
      handle: async ({ caller, body }) => ({
        json: toAnswer(await administration.create(caller, { ...body, tags: body.tags ?? [] })),
      }),
    }),
    route({
      method: 'GET',
      path: 'topics',
      operationId: 'listTopics',
      summary: 'Lists topics by exact owner and name, ordered by name and id.',
      tag,
      access: 'participant',
      query: Type.Object({
        owner: Type.Optional(Type.String({ description: 'May be wrapped in quotation marks.' })),
        name: Type.Optional(Type.String()),
        tags: Type.Optional(Type.Array(Type.String(), { description: 'All must match.', maxItems: 50 })),
        includeDeleted,
        ...paging,
      }),
      responses: pageAnswer,
      problems: ['page-without-limit', 'topic-store-unavailable'],
      handle: async ({ query }) => {
        const { owner, name, tags: wanted, includeDeleted: all = false } = query;
        const filter = {
          ...(owner === undefined ? {} : { owner }),
          ...(name === undefined ? {} : { name }),
          ...(wanted === undefined ? {} : { tags: wanted }),
          includeDeleted: all,
        };
        return { json: toPageAnswer(await administration.list(filter, toPageRequest(query))) };
      },
    }),
    route({
      method: 'GET',
      path: 'topics/search',
      operationId: 'searchTopics',
      summary:
        'Lists live topics with a keyword in owner, name or a tag, upper and lower case alike, ordered by name and id.',
      tag,
      access: 'participant',
      query: Type.Object({
        keyword: Type.Optional(Type.String({ maxLength: 255 })),
        owner: Type.Optional(Type.String({ description: 'Exactly this owner.' })),
        ...paging,
      }),
      responses: pageAnswer,
      problems: ['page-without-limit', 'topic-store-unavailable'],
      handle: async ({ query }) => {
        const { keyword, owner } = query;
        const filter = {
          ...(keyword === undefined || keyword === '' ? {} : { keyword }),
          ...(owner === undefined ? {} : { owner }),
          includeDeleted: false,
        };
        return { json: toPageAnswer(await administration.list(filter, toPageRequest(query))) };
      },
    }),
    route({
      method: 'GET',
      path: 'topics/count',
      operationId: 'countTopics',
      summary: 'How many live topics each owner has.',
      tag,
      access: 'participant',
      query: Type.Object({ owner: Type.Optional(owners) }),
      responses: {
        200: {
          description: 'One entry for each owner asked for; 0 for an unknown one.',
          schema: Type.Array(Type.Object({ owner: Type.String(), count: Type.Integer({ minimum: 0 }) })),
        },
      },
      problems: ['topic-store-unavailable'],
      handle: async ({ query }) => ({ json: await administration.countByOwner(query.owner ?? []) }),
    }),
    route({
      method: 'GET',
      path: 'topics/topicUpdatesMonitor',
      operationId: 'monitorTopicUpdates',
      summary: 'When topics and versions of owners last changed: poll it to know when to read them again.',
      tag,
      access: 'participant',
      query: Type.Object({ namespaceList: Type.Optional(owners) }),
      responses: {
        200: {
          description: 'Owners that have or had topics; times in epoch milliseconds, which only grow.',
          schema: Type.Array(
            Type.Object({
              owner: Type.String(),
              lastTopicUpdate: Type.Integer(),
              lastTopicVersionUpdate: Type.Integer(),
            }),
          ),
        },
      },
      problems: ['topic-store-unavailable'],
      handle: async ({ query }) => {
        const updates = await administration.updatesByOwner(query.namespaceList ?? []);
        return {
          json: updates.map(({ owner, lastTopicUpdateMs, lastVersionUpdateMs }) => ({
            owner,
            lastTopicUpdate: lastTopicUpdateMs,
            lastTopicVersionUpdate: lastVersionUpdateMs,
          })),
        };
      },
    }),
    route({
      method: 'GET',
      path: 'topics/{id}',
      operationId: 'getTopic',
      summary: 'A live topic with its latest live version.',
      tag,
      access: 'participant',
      params: idParams,
      responses: topicAnswer,
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ params }) => ({
        json: toAnswer(await administration.view(params.id, undefined, false)),
      }),
    }),
    route({
      method: 'PUT',
      path: 'topics/{id}',
      operationId: 'updateTopic',
      summary: 'Replaces the tags of a topic.',
      tag,
      access: 'participant',
      params: idParams,
      body: Type.Object({ tags: Type.Optional(tags) }),
      responses: topicAnswer,
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ caller, params, body }) => ({
        json: toAnswer(await administration.replaceTags(caller, params.id, body.tags)),
      }),
    }),
    route({
      method: 'DELETE',
      path: 'topics/{id}',
      operationId: 'deleteTopic',
      summary: 'Deletes a topic with all its versions; its messages stay searchable.',
      tag,
      access: 'participant',
      params: idParams,
      responses: endedAnswer,
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ caller, params }) => {
        await administration.deleteTopic(caller, params.id);
        return { json: ended(clock()) };
      },
    }),
    route({
      method: 'GET',
      path: 'topics/{id}/versions',
      operationId: 'listTopicVersions',
      summary: 'Lists the versions of a topic, from the highest to the lowest.',
      tag,
      access: 'participant',
      params: idParams,
      query: Type.Object({ includeDeleted, ...paging }),
      responses: pageAnswer,
      problems: ['topic-not-found', 'page-without-limit', 'topic-store-unavailable'],
      handle: async ({ params, query }) => ({
        json: toPageAnswer(
          await administration.listVersions(params.id, query.includeDeleted ?? false, toPageRequest(query)),
        ),
      }),
    }),
    route({
      method: 'GET',
      path: 'topics/{id}/versions/{version}',
      operationId: 'getTopicVersion',
      summary: 'One version of a topic.',
      tag,
      access: 'participant',
      params: versionParams,
      query: Type.Object({ includeDeleted }),
      responses: topicAnswer,
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ params, query }) => ({
        json: toAnswer(await administration.view(params.id, params.version, query.includeDeleted ?? false)),
      }),
    }),
    route({
      method: 'PUT',
      path: 'topics/{id}/versions/{version}',
      operationId: 'publishTopicVersion',
      summary: 'Publishes a version; the same schema again changes nothing, another one is refused.',
      tag,
      access: 'participant',
      maxBodyBytes: maxSchemaBodyBytes,
      params: versionParams,
      body: Type.Object({ schema: schemaText }),
      responses: topicAnswer,
      problems: [
        'topic-not-found',
        'version-conflict',
        'schema-invalid',
        'schema-type-unsupported',
        'topic-store-unavailable',
      ],
      handle: async ({ caller, params, body }) => ({
        json: toAnswer(await administration.publish(caller, params.id, params.version, body.schema)),
      }),
    }),
    route({
      method: 'DELETE',
      path: 'topics/{id}/versions/{version}',
      operationId: 'deleteTopicVersion',
      summary: 'Deletes a version, and with the last live one the topic; the number stays taken.',
      tag,
      access: 'participant',
      params: versionParams,
      responses: endedAnswer,
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ caller, params }) => {
        await administration.deleteVersion(caller, params.id, params.version);
        return { json: ended(clock()) };
      },
    }),
  ];
}

function toAnswer(view: TopicView): TopicAnswer {
  const { id, name, owner, schemaType, version, deleted } = view;
  const schema = schemaToJson(schemaType, view.schemaText);
  return { id, name, owner, schemaType, version, schema, tags: [...view.tags], deleted };
}

function ended(nowMs: number): Static<typeof EndedSchema> {
  return { returnCode: '00', returnMessage: 'Success', timestamp: new Date(nowMs).toISOString() };
}

function toPageAnswer({ count, limit, page, records }: Page): Static<typeof PageSchema> {
  return { count, limit, page, records: records.map(toAnswer) };
}

function toPageRequest({ limit, page }: { limit?: number; page?: number }): PageRequest {
  return { ...(limit === undefined ? {} : { limit }), ...(page === undefined ? {} : { page }) };
}
