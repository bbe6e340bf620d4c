// Route of the compatibility dry run (contract §7): read, call, write.

import { Type } from '@sinclair/typebox';
import { route, type Route } from '../shared/http/route';
import { idParams, maxSchemaBodyBytes, mode, schemaText, unknownProperties } from './topic-answers';
import type { TopicRouteDependencies } from './topics';

const pointer = Type.String({ description: 'JSON pointer into the schema that refuses.' });
const version = Type.String({ description: 'The published version that the schema was compared with.' });

const ReportSchema = Type.Object({
  mode,
  verdict: Type.Union([Type.Literal('compatible'), Type.Literal('incompatible'), Type.Literal('unknown')], {
    description:
      'Compatible: proven. Incompatible: shown by a witness. Unknown: neither; it does not keep a version from being published.',
  }),
  findings: Type.Array(
    Type.Object({
      pointer,
      reason: Type.String(),
      witness: Type.String({
        description: 'A document that one version accepts and the other refuses, as both validators say.',
      }),
      acceptedBy: Type.Union([Type.Literal('old'), Type.Literal('new')]),
      version,
    }),
  ),
  unproven: Type.Array(Type.Object({ pointer, reason: Type.String(), version }), {
    description: 'When unknown: what is neither proven nor disproven.',
  }),
});

export function compatibilityRoute({ administration }: TopicRouteDependencies): Route {
  return route({
    method: 'POST',
    path: 'topics/{id}/compatibility',
    operationId: 'compareTopicSchema',
    summary: 'Tells what a schema would break as a new version, without publishing it.',
    tag: 'Topics',
    access: 'participant',
    maxBodyBytes: maxSchemaBodyBytes,
    params: idParams,
    body: Type.Object({
      schema: schemaText,
      mode: Type.Optional(mode),
      unknownProperties: Type.Optional(unknownProperties),
    }),
    responses: {
      200: {
        description: 'The verdict by the mode of the topic, or by the one that is sent.',
        schema: ReportSchema,
      },
    },
    problems: ['topic-not-found', 'schema-invalid', 'topic-store-unavailable'],
    handle: async ({ caller, params, body, standAside }) => {
      // The work is done elsewhere, and one's own earlier dry runs are waited for.
      const report = await standAside(() =>
        administration.versions.compare(caller, params.id, body.schema, body),
      );
      return { json: report };
    },
  });
}
