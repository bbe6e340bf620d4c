// The OpenAPI 3.1 document, made from the same route table and the same JSON Schemas that serve and validate
// requests, so that it cannot say anything else than what the broker does.

import type { TObject, TSchema } from '@sinclair/typebox';
import { BrokerError, type ErrorCode } from '../broker-error';
import { problemTable, toProblem } from './problems';
import type { ResponseDescription, Route } from './route';

/** A value that prints as JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

export interface OpenApiInfo {
  /** Version of the broker, not of OpenAPI. */
  readonly version: string;
}

const description = `Participants (DIDs) send each other messages on topics. The broker routes, persists and
delivers; it has no authority over participants.

Log in with \`POST /auth/login\` and send the access token as a Bearer token with every call that asks for one.
Every error is a problem document (RFC 9457, \`application/problem+json\`).

Members that are \`null\` count as absent, as does a body that is \`null\` where it is optional; whole numbers
and booleans may be sent as text, and a list in the query is a repeated key (\`roles=a&roles=b\`).`;

/** Problems of a route: those that follow from its shape, and those it names itself. */
export function problemsOf(route: Route): readonly ErrorCode[] {
  const input = route.params ?? route.query ?? route.body;
  const problems = new Set<ErrorCode>([
    ...(route.access === 'participant'
      ? (['unauthenticated', 'forbidden', 'issuer-unavailable'] as const)
      : []),
    ...(route.standing === 'exempt' ? [] : (['overloaded'] as const)),
    ...(route.body ? (['malformed-json', 'payload-too-large', 'body-too-slow'] as const) : []),
    ...(input || route.idempotency ? (['invalid-parameters'] as const) : []),
    ...(route.idempotency
      ? (['idempotent-call-running', 'idempotency-key-reused', 'message-store-unavailable'] as const)
      : []),
    ...(route.problems ?? []),
  ]);
  // A full store takes nothing more, whatever it is: also what was read and acknowledged is written down.
  if (route.method !== 'GET' && problems.has('message-store-unavailable')) problems.add('message-store-full');
  return [...problems];
}

/**
 * The whole document. Schemas with an `$id` become components of that name.
 * @param routes every route that is registered
 * @throws Error when two different schemas have the same `$id`
 */
export function createOpenApi(routes: readonly Route[], info: OpenApiInfo): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = (paths[`/${route.path}`] ??= {});
    path[route.method.toLowerCase()] = toOperation(route);
  }
  const components: Record<string, unknown> = { Problem: problemSchema };
  // Printed and parsed: what is left is what a reader of the document gets.
  const named = hoist(JSON.parse(JSON.stringify(paths)), components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'DDHub Message Broker',
      version: info.version,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths: named,
    components: {
      schemas: components,
      headers: {
        RequestId: {
          description: 'Under this id the broker’s log has the call; a harmless X-Request-Id is kept.',
          schema: { type: 'string' },
        },
        RetryAfter: {
          description: 'Seconds after which the same call may succeed.',
          schema: { type: 'integer', minimum: 0 },
        },
      },
      securitySchemes: {
        participant: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The access token that POST /auth/login answers, or that of a trusted issuer.',
        },
      },
    },
  };
}

/** Moves every schema that has an `$id` to the components and leaves a reference in its place. */
function hoist(node: unknown, components: Record<string, unknown>): unknown {
  if (Array.isArray(node)) return node.map((item) => hoist(item, components));
  if (typeof node !== 'object' || node === null) return node;
  const { $id: name, ...rest } = node as Record<string, unknown>;
  const moved = Object.fromEntries(
    Object.entries(rest).map(([key, member]) => [key, hoist(member, components)]),
  );
  if (typeof name !== 'string')
    return name === undefined ? moved : { $id: hoist(name, components), ...moved };
  if (name in components && JSON.stringify(components[name]) !== JSON.stringify(moved)) {
    throw new Error(`Two different schemas are named ${name}.`);
  }
  components[name] = moved;
  return { $ref: `#/components/schemas/${name}` };
}

function toOperation(route: Route): JsonObject {
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    security: route.access === 'participant' ? [{ participant: [] }] : [],
    ...parameters(route),
    ...requestBody(route),
    responses: responses(route),
  };
}

function requestBody({ body, bodyOptional, streamedBody }: Route): JsonObject {
  const content = body
    ? { 'application/json': { schema: body } }
    : streamedBody && { [streamedBody.contentType]: { schema: streamedBody.schema } };
  return content ? { requestBody: { required: bodyOptional !== true, content } } : {};
}

function parameters(route: Route): JsonObject {
  const list = [
    ...members(route.params).map(([name, schema]) => parameter('path', name, schema, true)),
    ...members(route.query).map(([name, schema, required]) => parameter('query', name, schema, required)),
    ...(route.idempotency ? [idempotencyKey] : []),
  ];
  return list.length ? { parameters: list } : {};
}

function members(schema: TSchema | undefined): [name: string, schema: TSchema, required: boolean][] {
  if (!schema) return [];
  const { properties, required = [] } = schema as TObject;
  return Object.entries(properties).map(([name, member]) => [name, member, required.includes(name)]);
}

function parameter(where: 'path' | 'query', name: string, schema: TSchema, required: boolean): JsonObject {
  const { description: text, ...rest } = schema;
  return {
    name,
    in: where,
    required,
    ...(text === undefined ? {} : { description: text }),
    ...(where === 'query' && schema['type'] === 'array' ? { style: 'form', explode: true } : {}),
    schema: rest,
  };
}

function responses(route: Route): JsonObject {
  const byStatus: Record<string, unknown> = {};
  for (const [status, response] of Object.entries(route.responses)) byStatus[status] = toResponse(response);
  const codes = Object.groupBy(problemsOf(route), (code) => String(problemTable[code].status));
  for (const [status, group] of Object.entries(codes)) {
    // A status that the route answers in a form of its own, such as the 503 of GET /health, stays as it is.
    byStatus[status] ??= problemResponse(status, group ?? []);
  }
  return byStatus;
}

const requestIdHeader = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };

function toResponse(response: ResponseDescription): JsonObject {
  const contentType = response.contentType ?? (response.schema ? 'application/json' : undefined);
  const example = response.example === undefined ? {} : { example: response.example };
  return {
    description: response.description,
    headers: { ...requestIdHeader, ...textHeaders(response.headers) },
    ...(contentType === undefined
      ? {}
      : { content: { [contentType]: { schema: response.schema ?? { type: 'string' }, ...example } } }),
  };
}

function textHeaders(headers: ResponseDescription['headers'] = {}): JsonObject {
  return Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
  );
}

/** The codes stand in the description of each answer; the form is described once, as a component. */
function problemResponse(status: string, codes: readonly ErrorCode[]): JsonObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemTable[code].title}.`).join(' '),
    headers:
      status === '503' || status === '429'
        ? { ...requestIdHeader, 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }
        : requestIdHeader,
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleProblem(code) }])),
      },
    },
  };
}

function exampleProblem(code: ErrorCode): unknown {
  return toProblem(
    new BrokerError(code, problemTable[code].remedy),
    'request-id',
    Date.UTC(2026, 0, 2, 3, 4, 5),
  );
}

/** draft-ietf-httpapi-idempotency-key-header-07: a String of Structured Fields. */
const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A text of your own, up to 255 characters, in quotation marks or bare; yours alone, for this operation, for 24 hours. A call with the same key and the same body is answered as the first one was, and carried out once.',
  schema: { type: 'string', minLength: 1, maxLength: 600 },
  example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
};

const text = (what: string) => ({ type: 'string', description: what });

/** Problem details (RFC 9457 §3) with the legacy members; the same members as `Problem` in problems.ts. */
const problemSchema = {
  type: 'object',
  required: [
    'type',
    'title',
    'status',
    'detail',
    'instance',
    'code',
    'returnCode',
    'returnMessage',
    'timestamp',
  ],
  additionalProperties: false,
  properties: {
    type: { ...text('`urn:ddhub:problem:<code>`'), pattern: '^urn:ddhub:problem:[a-z-]+$' },
    title: text('What the code means, the same for every occurrence.'),
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: text('What happened this time and what to do.'),
    instance: text('`urn:ddhub:request:<id>`; the operator finds the cause under this id.'),
    code: { type: 'string', enum: Object.keys(problemTable) },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'message'],
        additionalProperties: false,
        properties: {
          field: text('A pointer into the body or a parameter’s name.'),
          message: text('What to mend.'),
        },
      },
    },
    returnCode: { ...text('Code of the first-generation broker.'), pattern: '^[0-9]{2}$' },
    returnMessage: text('Text of the first-generation broker.'),
    timestamp: { type: 'string', format: 'date-time' },
  },
} as const;
