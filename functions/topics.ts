// Routes of topics (contract §5): read, call, write. What is allowed and how it is done is in shared/topics.

import { Type } from '@sinclair/typebox';
import type { Clock } from '../shared/clock';
import { route, type Route } from '../shared/http/route';
import { compatibilityModes, schemaTypes, type TopicAdministration } from '../shared/topics';
import { compatibilityRoute } from './topic-compatibility';
import {
  ended,
  endedAnswers,
  idParams,
  includeDeleted,
  maxSchemaBodyBytes,
  pageAnswers,
  paging,
  preconditionOf,
  schemaText,
  taggedAnswers,
  toPageAnswer,
  toPageRequest,
  topicReply,
} from './topic-answers';
import { topicVersionRoutes } from './topic-versions';

export interface TopicRouteDependencies {
  readonly administration: TopicAdministration;
  readonly clock: Clock;
}

const tag = 'Topics';
/** As many as fit a URL of 16 KB, and below the 2,100 parameters of a SQL Server statement. */
const maxOwners = 2_000;

const tags = Type.Array(Type.String(), {
  description: 'A set: of equal tags the first stays. At most 50, each of at most 100 characters.',
});
const owners = Type.Array(Type.String(), {
  description: 'Exact owners, each may be wrapped in quotation marks.',
  maxItems: maxOwners,
});

export function topicRoutes(dependencies: TopicRouteDependencies): readonly Route[] {
  const { administration, clock } = dependencies;
  return [
    route({
      method: 'POST',
      path: 'topics',
      operationId: 'createTopic',
      summary: 'Creates a topic with its first version.',
      tag,
      access: 'participant',
      maxBodyBytes: maxSchemaBodyBytes,
      idempotency: {},
      body: Type.Object(
        {
          name: Type.String({ description: '1–255 characters, no white space at the ends; case counts.' }),
          owner: Type.String({ description: 'The namespace of a topic creator role of the caller.' }),
          schemaType: Type.String({ description: `One of ${schemaTypes.join(', ')}.` }),
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
      responses: taggedAnswers('the state of the topic'),
      problems: ['record-exists', 'limit-reached', 'schema-invalid', 'topic-store-unavailable'],
      handle: async ({ caller, body, attempt }) =>
        topicReply(await administration.create(caller, { ...body, tags: body.tags ?? [] }, attempt)),
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
      responses: pageAnswers,
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
      responses: pageAnswers,
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
      responses: taggedAnswers('the state of the topic'),
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ params }) =>
        topicReply(await administration.versions.view(params.id, undefined, false)),
    }),
    route({
      method: 'PUT',
      path: 'topics/{id}',
      operationId: 'updateTopic',
      summary: 'Changes the tags and options of a topic: what the body holds.',
      tag,
      access: 'participant',
      params: idParams,
      body: Type.Object({
        tags: Type.Optional(tags),
        compatibility: Type.Optional(
          Type.Union(
            [
              Type.String(),
              Type.Object({
                mode: Type.Optional(Type.String()),
                unknownProperties: Type.Optional(Type.String()),
              }),
            ],
            {
              description: `What new versions must keep to: one of ${compatibilityModes.join(', ')}; or \`{mode, unknownProperties}\`, where \`unknownProperties\` is \`ignored\` (the default) or \`produced\`.`,
            },
          ),
        ),
        retentionClass: Type.Optional(
          Type.String({
            description:
              'The class its messages expire with, one of RETENTION_CLASSES; empty: the default one.',
          }),
        ),
      }),
      responses: taggedAnswers('the state of the topic'),
      problems: ['topic-not-found', 'precondition-failed', 'topic-store-unavailable'],
      handle: async ({ caller, params, body, request }) =>
        topicReply(await administration.update(caller, params.id, body, preconditionOf({ request }))),
    }),
    route({
      method: 'DELETE',
      path: 'topics/{id}',
      operationId: 'deleteTopic',
      summary: 'Deletes a topic with all its versions; its messages stay searchable.',
      tag,
      access: 'participant',
      params: idParams,
      responses: endedAnswers,
      problems: ['topic-not-found', 'precondition-failed', 'topic-store-unavailable'],
      handle: async ({ caller, params, request }) => {
        await administration.deleteTopic(caller, params.id, preconditionOf({ request }));
        return { json: ended(clock()) };
      },
    }),
    compatibilityRoute(dependencies),
    ...topicVersionRoutes(dependencies),
  ];
}
