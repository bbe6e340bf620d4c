// The OpenAPI document is valid 3.1, names every route with its problems, and says of input and output what the
// broker itself checks; the checker that the other tests use notices every kind of drift.

import { beforeAll, describe, expect, it } from '@jest/globals';
import { Type } from '@sinclair/typebox';
import { createOpenApi, problemsOf } from '../../shared/http/openapi';
import { problemTable, toProblem } from '../../shared/http/problems';
import { validate } from '../../shared/http/request';
import { route } from '../../shared/http/route';
import { BrokerError } from '../../shared/broker-error';
import { brokerRoutes } from '../support/broker-routes';
import { checkAgainstOpenApi } from '../../scripts/openapi/openapi-check';

type Json = Record<string, unknown>;
type Operation = Json & { responses: Record<string, Json>; security: unknown[]; parameters?: Json[] };

const thing = Type.Object({ id: Type.String(), size: Type.Optional(Type.Integer()) }, { $id: 'Thing' });

const sampleRoutes = [
  route({
    method: 'PUT',
    path: 'things/{id}',
    operationId: 'changeThing',
    summary: 'Change a thing',
    tag: 'Things',
    access: 'participant',
    params: Type.Object({ id: Type.String({ description: 'Which one.' }) }),
    query: Type.Object({ tags: Type.Optional(Type.Array(Type.String())), limit: Type.Integer() }),
    body: Type.Object({ size: Type.Integer() }),
    problems: ['topic-not-found', 'topic-store-unavailable'],
    responses: { 200: { description: 'The thing.', schema: thing }, 204: { description: 'Nothing to do.' } },
    handle: () => Promise.resolve({}),
  }),
  route({
    method: 'GET',
    path: 'things',
    operationId: 'listThings',
    summary: 'All things',
    tag: 'Things',
    access: 'public',
    responses: { 200: { description: 'All.', schema: Type.Array(thing) } },
    handle: () => Promise.resolve({}),
  }),
];

const sample = createOpenApi(sampleRoutes, { version: '1.2.3' });
const operations = (document: Json) => document['paths'] as Record<string, Record<string, Operation>>;

/** A validator in an ES module, which jest loads through import() only. */
async function validateDocument(document: Json): Promise<unknown> {
  const { Validator } = await import('@seriousme/openapi-schema-validator');
  return new Validator().validate(structuredClone(document));
}

describe('createOpenApi', () => {
  const routes = brokerRoutes();
  let document: Json;

  beforeAll(() => {
    document = JSON.parse(JSON.stringify(createOpenApi(routes, { version: '1.2.3' }))) as Json;
  });

  it('is a valid OpenAPI 3.1 document of every route of the broker', async () => {
    expect(await validateDocument(document)).toMatchObject({ valid: true });
    expect(document['openapi']).toMatch(/^3\.1\./);
  });

  it('describes each route once, and nothing else', () => {
    const described = Object.entries(operations(document)).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} /${path}`).sort());
    expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length);
  });

  it('asks for a token exactly where the broker does', () => {
    for (const { path, method, access } of routes) {
      const operation = operations(document)[`/${path}`]?.[method.toLowerCase()];
      expect([path, operation?.security]).toEqual([
        path,
        access === 'participant' ? [{ participant: [] }] : [],
      ]);
    }
  });

  it('describes every parameter of every path', () => {
    for (const { path, params } of routes) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inSchema = Object.keys((params?.['properties'] ?? {}) as Json);
      expect([path, inSchema]).toEqual([path, inPath]);
    }
  });

  it('gives examples that the broker would accept, or answer', () => {
    for (const { operationId, body, responses } of routes) {
      if (body) {
        for (const example of (body.examples ?? []) as unknown[]) {
          expect(validate(body, example, 'body')).toEqual(example);
        }
      }
      for (const { schema, example } of Object.values(responses)) {
        if (schema && example !== undefined) {
          expect([operationId, validate(schema, example, 'body')]).toEqual([operationId, example]);
        }
      }
    }
  });

  it('never describes a 500, so that a test notices one', () => {
    for (const item of Object.values(operations(document))) {
      for (const operation of Object.values(item))
        expect(Object.keys(operation.responses)).not.toContain('500');
    }
  });

  it('writes parameters with their place, need and form', () => {
    expect(operations(sample)['/things/{id}']?.['put']?.parameters).toEqual([
      { name: 'id', in: 'path', required: true, description: 'Which one.', schema: { type: 'string' } },
      {
        name: 'tags',
        in: 'query',
        required: false,
        style: 'form',
        explode: true,
        schema: { type: 'array', items: { type: 'string' } },
      },
      { name: 'limit', in: 'query', required: true, schema: { type: 'integer' } },
    ]);
  });

  it('lists the problems of a route by status and refers to their one form', () => {
    const responses = operations(sample)['/things/{id}']?.['put']?.responses ?? {};
    expect(Object.keys(responses)).toEqual(['200', '204', '400', '401', '403', '404', '408', '413', '503']);
    expect(responses['404']).toMatchObject({
      description: '`topic-not-found`: Topic does not exist.',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    });
    expect(responses['503']).toHaveProperty('headers.Retry-After');
  });

  it('moves named schemas to the components, once', () => {
    expect(sample).toHaveProperty('components.schemas.Thing.properties.id');
    expect(operations(sample)['/things']?.['get']?.responses['200']).toHaveProperty(
      'content.application/json.schema',
      { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
    );
    expect(JSON.stringify(sample)).not.toContain('$id');
  });

  it('refuses two different schemas of one name', () => {
    const other = {
      ...sampleRoutes[1],
      path: 'others',
      responses: { 200: { description: '', schema: Type.String({ $id: 'Thing' }) } },
    };
    expect(() => createOpenApi([...sampleRoutes, other as never], { version: '1' })).toThrow('Thing');
  });

  it('gives a public route without input no problem but that there may be too much to do', () => {
    const open = sampleRoutes.map((one) => problemsOf(one)).filter((codes) => codes.length === 1);
    expect(open).toEqual([['overloaded']]);
  });

  it('describes problems as the broker makes them', () => {
    for (const code of Object.keys(problemTable) as (keyof typeof problemTable)[]) {
      const faults = [{ field: 'a', message: 'is required' }];
      const problem = toProblem(new BrokerError(code, 'Why.', { faults }), 'r', 0);
      const broken = { ...sampleRoutes[1], problems: [code] } as never;
      const withProblem = JSON.parse(JSON.stringify(createOpenApi([broken], { version: '1' }))) as Json;
      const headers = new Headers({
        'content-type': 'application/problem+json',
        'x-request-id': 'r',
        'retry-after': '5',
      });
      const text = JSON.stringify(problem);
      checkAgainstOpenApi(withProblem, 'GET', '/things', {}, { status: problem.status, headers, text });
    }
  });
});

describe('checkAgainstOpenApi', () => {
  const document = JSON.parse(JSON.stringify(sample)) as Json;
  const json = { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'r' };
  interface Exchange {
    readonly status?: number;
    readonly headers?: Record<string, string>;
    readonly path?: string;
    readonly method?: string;
    readonly body?: unknown;
  }
  const check = (text: string, exchange: Exchange = {}): void => {
    const { status = 200, headers = json, path = '/things', method = 'GET', body } = exchange;
    checkAgainstOpenApi(document, method, path, { body }, { status, headers: new Headers(headers), text });
  };
  const change = { method: 'PUT', path: '/things/1?limit=5', body: { size: 1 } };

  it('agrees with an exchange that is as described', () => {
    check('[{"id":"a"},{"id":"b","size":1}]');
    check('{"id":"a"}', change);
    check('{"id":"a"}', { ...change, path: '/things/a%2Fb/?limit=5&tags=a&tags=b' });
    check('', { ...change, status: 204, headers: { 'x-request-id': 'r' } });
  });

  it('overlooks in a request what the broker documents that it overlooks', () => {
    check('{"id":"a"}', { ...change, path: '/things/1?limit=5&tags=a', body: { size: '1', other: null } });
  });

  it.each<[string, () => void, RegExp]>([
    ['a status that is not described', () => check('{}', { status: 500 }), /status is not described/],
    ['a member that is not described', () => check('[{"id":"a","extra":1}]'), /unevaluated/],
    ['a member of a wrong type', () => check('[{"id":1}]'), /must be string/],
    ['a missing member', () => check('[{}]'), /required/],
    [
      'another content type',
      () => check('[]', { headers: { ...json, 'content-type': 'text/html' } }),
      /text\/html is not described/,
    ],
    [
      'a missing header',
      () => check('[]', { headers: { 'content-type': 'application/json' } }),
      /X-Request-Id/,
    ],
    ['a body where none is described', () => check('{}', { ...change, status: 204 }), /no body/],
    ['an answer on a route that is not described', () => check('{}', { path: '/other' }), /only 404/],
    ['a method that is not described', () => check('{}', { method: 'DELETE' }), /only 404/],
    [
      'an accepted body that is not allowed',
      () => check('{"id":"a"}', { ...change, body: { size: 'big' } }),
      /body/,
    ],
    [
      'an accepted request without its body',
      () => check('{"id":"a"}', { ...change, body: undefined }),
      /body/,
    ],
    [
      'an accepted query that is not allowed',
      () => check('{"id":"a"}', { ...change, path: '/things/1?limit=x' }),
      /query/,
    ],
    [
      'an accepted query without a required key',
      () => check('{"id":"a"}', { ...change, path: '/things/1' }),
      /limit/,
    ],
  ])('notices %s', (_what, exchange, complaint) => {
    expect(exchange).toThrow(complaint);
  });

  it('accepts 404 on a route that does not exist, with an empty body', () => {
    check('', { path: '/other', status: 404, headers: {} });
  });

  it('does not hold a request that was refused against the broker', () => {
    const problem = JSON.stringify(toProblem(new BrokerError('invalid-parameters', 'No.'), 'r', 0));
    const headers = { 'content-type': 'application/problem+json', 'x-request-id': 'r' };
    check(problem, { ...change, status: 400, headers, body: { size: [] } });
  });
});
