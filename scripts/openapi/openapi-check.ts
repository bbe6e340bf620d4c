// Compares what went over the wire with the OpenAPI document: the operation exists, the status and content type
// are described, the body matches its schema and has no member that the schema does not name. A request that
// was accepted has to match as well.

import type { TSchema } from '@sinclair/typebox';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { normalize } from '../../shared/http/request';

type Json = Record<string, unknown>;

/** What was sent, as far as the document speaks of it. */
export interface SentRequest {
  /** The parsed JSON body; absent when none was sent or it was not JSON. */
  readonly body?: unknown;
}

export interface ReceivedResponse {
  readonly status: number;
  readonly headers: Headers;
  /** The body as text. */
  readonly text: string;
}

const ajv = addFormats(new Ajv2020({ strict: true, strictTypes: false, allErrors: true }));
const compiled = new WeakMap<object, ValidateFunction>();

/**
 * @param document the parsed `/openapi.json`
 * @param path path and query as sent, without the origin
 * @throws Error that lists every disagreement
 */
export function checkAgainstOpenApi(
  document: Json,
  method: string,
  path: string,
  request: SentRequest,
  response: ReceivedResponse,
): void {
  const found = disagreements(document, method, path, request, response);
  if (found.length) {
    throw new Error(
      [`${method} ${path} → ${response.status} disagrees with the OpenAPI document:`, ...found].join(
        '\n  - ',
      ),
    );
  }
}

/** A fetch that checks every exchange with the broker at `baseUrl` against the document it serves. */
export type CheckedFetch = (path: string, init?: RequestInit) => Promise<Response>;

/** Fetches the document once. @param baseUrl origin without a trailing slash */
export async function checkedFetch(baseUrl: string): Promise<CheckedFetch> {
  const document = (await (await fetch(`${baseUrl}/openapi.json`)).json()) as Json;
  return async (path, init) => {
    const response = await fetch(`${baseUrl}${path}`, init);
    const { status, headers } = response;
    const text = await response.clone().text();
    checkAgainstOpenApi(document, init?.method ?? 'GET', path, sentBody(init?.body), {
      status,
      headers,
      text,
    });
    return response;
  };
}

function sentBody(body: unknown): SentRequest {
  if (typeof body !== 'string' || body === '') return {};
  try {
    return { body: JSON.parse(body) as unknown };
  } catch {
    return {};
  }
}

/** What of an exchange is not as the document says, a sentence each; see `checkAgainstOpenApi`. */
export function disagreements(
  document: Json,
  method: string,
  path: string,
  request: SentRequest,
  response: ReceivedResponse,
): string[] {
  const operation = findOperation(document, method, new URL(`http://broker${path}`).pathname);
  if (!operation) {
    return response.status === 404 ? [] : ['the document has no such operation, so only 404 is right'];
  }
  const described = (operation['responses'] as Json)[String(response.status)] as Json | undefined;
  if (!described) return ['the status is not described'];
  return [
    ...checkResponse(document, described, response),
    ...(response.status < 300 ? checkRequest(document, operation, path, request) : []),
  ];
}

/** The operation that serves a path (without a query), found as the host finds it. */
export function findOperation(document: Json, method: string, pathname: string): Json | undefined {
  const paths = document['paths'] as Record<string, Json>;
  const sent = pathname.replace(/\/$/, '').split('/');
  const matches = Object.keys(paths)
    .filter((template) => {
      const segments = template.split('/');
      return (
        segments.length === sent.length &&
        segments.every(
          (segment, index) =>
            (segment.startsWith('{') && sent[index] !== '') ||
            segment.toLowerCase() === sent[index]?.toLowerCase(),
        )
      );
    })
    // A literal wins over a parameter, from the left.
    .sort((a, b) => (a.replaceAll('{', '\uffff') < b.replaceAll('{', '\uffff') ? -1 : 1));
  const template = matches.find((candidate) => paths[candidate]?.[method.toLowerCase()]);
  return template === undefined ? undefined : (paths[template]?.[method.toLowerCase()] as Json);
}

function checkResponse(document: Json, described: Json, response: ReceivedResponse): string[] {
  const missing = Object.keys((described['headers'] ?? {}) as Json)
    .filter((name) => !response.headers.has(name))
    .map((name) => `the header ${name} is missing`);
  const content = described['content'] as Record<string, Json> | undefined;
  if (!content) return [...missing, ...(response.text === '' ? [] : ['no body is described'])];
  const sentType = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
  const media = content[sentType] ?? content['*/*'];
  if (!media) return [...missing, `the content type ${sentType} is not described`];
  if (!/[/+]json$/.test(sentType)) return missing;
  let body: unknown;
  try {
    body = JSON.parse(response.text);
  } catch {
    return [...missing, 'the body is not JSON'];
  }
  return [...missing, ...schemaFaults(document, media['schema'] as Json, body, 'answer')];
}

function checkRequest(document: Json, operation: Json, path: string, request: SentRequest): string[] {
  const schema = querySchema(operation);
  const sent = new URL(`http://broker${path}`).searchParams;
  const query = Object.fromEntries(
    [...new Set(sent.keys())]
      .map((name) => [name, sent.getAll(name)])
      .map(([name, all]) => [name, all?.length === 1 ? all[0] : all]),
  ) as Json;
  const faults = schemaFaults(document, schema, lenient(schema, query), 'query', false);
  const requestBody = operation['requestBody'] as Json | undefined;
  // What is streamed is not looked at, only JSON.
  if (!requestBody || !('application/json' in (requestBody['content'] as Json))) return faults;
  // The broker documents that it takes a null for an absent body where the body is optional.
  if (request.body === undefined || (request.body === null && requestBody['required'] !== true)) {
    return requestBody['required'] === true ? [...faults, 'the body is required'] : faults;
  }
  const media = (requestBody['content'] as Record<string, Json>)['application/json'];
  const body = media?.['schema'] as Json | undefined;
  return body
    ? [...faults, ...schemaFaults(document, body, lenient(body, request.body), 'body', false)]
    : faults;
}

const querySchemas = new WeakMap<object, Json>();

/** The query parameters of an operation as one schema. */
function querySchema(operation: Json): Json {
  let schema = querySchemas.get(operation);
  if (!schema) {
    const all = ((operation['parameters'] ?? []) as Json[]).filter((one) => one['in'] === 'query');
    schema = {
      type: 'object',
      required: all.filter((one) => one['required'] === true).map((one) => one['name']),
      properties: Object.fromEntries(all.map((one) => [one['name'], one['schema']])),
    };
    querySchemas.set(operation, schema);
  }
  return schema;
}

/** What the broker documents that it overlooks: null members, numbers as text, single values for lists. */
function lenient(schema: Json, value: unknown): unknown {
  return normalize(schema as unknown as TSchema, value);
}

function schemaFaults(document: Json, schema: Json, value: unknown, where: string, close = true): string[] {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv.compile(prepare(document, schema, close) as Json);
    compiled.set(schema, validate);
  }
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    (error) =>
      `${where}${error.instancePath} ${error.message ?? 'is not valid'} ${JSON.stringify(error.params)}`,
  );
}

const componentPrefix = '#/components/schemas/';

/**
 * The schema with its components put in place. With `close`, every object that lists its members admits no other:
 * the document leaves answers open so that later members break no caller, but a test must see a member that
 * nobody described.
 */
function prepare(document: Json, schema: unknown, close: boolean, insideAllOf = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => prepare(document, item, close));
  if (typeof schema !== 'object' || schema === null) return schema;
  const node = schema as Json;
  const reference = node['$ref'];
  if (typeof reference === 'string' && reference.startsWith(componentPrefix)) {
    const components = (document['components'] as Json)['schemas'] as Json;
    return prepare(document, components[reference.slice(componentPrefix.length)], close, insideAllOf);
  }
  const result: Json = {};
  for (const [name, member] of Object.entries(node)) {
    result[name] = prepareKeyword(document, name, member, close);
  }
  const open = !('additionalProperties' in node) && !('unevaluatedProperties' in node);
  const describesObject = 'allOf' in node || (node['type'] === 'object' && 'properties' in node);
  if (close && open && describesObject && !insideAllOf) result['unevaluatedProperties'] = false;
  return result;
}

function prepareKeyword(document: Json, keyword: string, member: unknown, close: boolean): unknown {
  switch (keyword) {
    case 'enum':
    case 'const':
    case 'examples':
    case 'default':
    case 'required':
      return member;
    case 'allOf':
      return (member as unknown[]).map((item) => prepare(document, item, close, true));
    case 'properties':
    case 'patternProperties':
      return Object.fromEntries(
        Object.entries(member as Json).map(([name, schema]) => [name, prepare(document, schema, close)]),
      );
    default:
      return prepare(document, member, close);
  }
}
