// Routes of topic versions (contract §5): read, call, write.

import { Type } from '@sinclair/typebox';
import { route, type Route } from '../shared/http/route';
import {
  ended,
  endedAnswers,
  idParams,
  includeDeleted,
  maxSchemaBodyBytes,
  pageAnswers,
  paging,
  preconditionOf,
  publishedAnswers,
  publishedReply,
  schemaText,
  taggedAnswers,
  toPageAnswer,
  toPageRequest,
  versionParams,
  versionReply,
} from './topic-answers';
import type { TopicRouteDependencies } from './topics';

const tag = 'Topics';
/** 2 MiB of payload may be six times as long inside a JSON string. */
const maxValidatedBodyBytes = 13 * 1024 * 1024;

export function topicVersionRoutes({ administration, clock }: TopicRouteDependencies): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: 'topics/{id}/versions',
      operationId: 'listTopicVersions',
      summary: 'Lists the versions of a topic, from the highest to the lowest.',
      tag,
      access: 'participant',
      params: idParams,
      query: Type.Object({ includeDeleted, ...paging }),
      responses: pageAnswers,
      problems: ['topic-not-found', 'page-without-limit', 'topic-store-unavailable'],
      handle: async ({ params, query }) => ({
        json: toPageAnswer(
          await administration.versions.list(params.id, query.includeDeleted ?? false, toPageRequest(query)),
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
      responses: taggedAnswers('the schema of the version'),
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ params, query }) =>
        versionReply(
          await administration.versions.view(params.id, params.version, query.includeDeleted ?? false),
        ),
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
      responses: publishedAnswers,
      problems: [
        'limit-reached',
        'topic-not-found',
        'version-conflict',
        'version-incompatible',
        'precondition-failed',
        'schema-invalid',
        'topic-store-unavailable',
      ],
      handle: async ({ caller, params, body, request }) => {
        const { view, compatibility } = await administration.versions.publish(
          caller,
          params.id,
          params.version,
          body.schema,
          preconditionOf({ request }),
        );
        return publishedReply(view, compatibility);
      },
    }),
    route({
      method: 'DELETE',
      path: 'topics/{id}/versions/{version}',
      operationId: 'deleteTopicVersion',
      summary: 'Deletes a version, and with the last live one the topic; the number stays taken.',
      tag,
      access: 'participant',
      params: versionParams,
      responses: endedAnswers,
      problems: ['topic-not-found', 'precondition-failed', 'topic-store-unavailable'],
      handle: async ({ caller, params, request }) => {
        await administration.versions.delete(caller, params.id, params.version, preconditionOf({ request }));
        return { json: ended(clock()) };
      },
    }),
    route({
      method: 'PUT',
      path: 'topics/{id}/versions/{version}/deprecation',
      operationId: 'deprecateTopicVersion',
      summary:
        'Deprecates a version: publishing to it says so until the sunset, and is refused from then on.',
      tag,
      access: 'participant',
      params: versionParams,
      body: Type.Object({ sunset: Type.String({ description: 'ISO 8601 instant in the future.' }) }),
      responses: {
        200: {
          description: 'Deprecated.',
          schema: Type.Object({ deprecatedAt: Type.String(), sunset: Type.String() }),
        },
      },
      problems: ['topic-not-found', 'precondition-failed', 'topic-store-unavailable'],
      handle: async ({ caller, params, body, request }) => {
        const { sinceMs, sunsetAtMs } = await administration.versions.deprecate(
          caller,
          params.id,
          params.version,
          body.sunset,
          preconditionOf({ request }),
        );
        const print = (ms: number) => new Date(ms).toISOString();
        return { json: { deprecatedAt: print(sinceMs), sunset: print(sunsetAtMs) } };
      },
    }),
    route({
      method: 'POST',
      path: 'topics/{id}/versions/{version}/validate',
      operationId: 'validatePayload',
      summary: 'Tells whether a payload matches the schema of a version, without publishing it.',
      tag,
      access: 'participant',
      maxBodyBytes: maxValidatedBodyBytes,
      params: versionParams,
      body: Type.Object({ payload: Type.String({ description: 'As in POST /messages, at most 2 MiB.' }) }),
      responses: {
        200: {
          description: 'The verdict.',
          schema: Type.Object({
            valid: Type.Boolean(),
            errors: Type.Array(Type.Object({ field: Type.String(), message: Type.String() })),
          }),
        },
      },
      problems: ['topic-not-found', 'topic-store-unavailable'],
      handle: async ({ params, body }) => {
        const errors = await administration.versions.faultsOf(params.id, params.version, body.payload);
        return { json: { valid: errors.length === 0, errors: [...errors] } };
      },
    }),
  ];
}
