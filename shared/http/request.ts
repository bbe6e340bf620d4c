// Reading what a participant sent: bounded, strict about UTF-8 and JSON, lenient only where real gateways are
// sloppy (null for absent, numbers as text, one query value where a list is meant), then one schema decides.

import type { HttpRequest } from '@azure/functions';
import type { TArray, TObject, TSchema } from '@sinclair/typebox';
import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import { BrokerError, type Fault, invalidParameter } from '../broker-error';
import { bodyChunks } from './body-chunks';
import { jsonExcess } from './json-bounds';

const ajv = new Ajv({ allErrors: false, strict: true, strictTypes: false, ownProperties: true });

/** Validators are compiled at the first use of a schema, so that loading the app stays cheap. */
const compiled = new WeakMap<TSchema, ValidateFunction>();

function validatorOf(schema: TSchema): ValidateFunction {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  return validate;
}

/** Unit: ms. The default of BODY_SECONDS. */
const defaultMaxBodyMs = 60_000;

/**
 * Reads at most `maxBytes` of body, for at most `maxMs`; of more the rest is not read.
 * @throws BrokerError `payload-too-large`, `body-too-slow`, `malformed-json` when it ends early
 */
export async function readBody(
  request: Pick<HttpRequest, 'headers' | 'body'>,
  maxBytes: number,
  maxMs = defaultMaxBodyMs,
): Promise<Buffer> {
  refuseDeclared(request, maxBytes);
  if (!request.body) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of bodyChunks(request, maxMs)) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError('malformed-json', 'The body ended early; send the whole document.', {
      cause: error,
    });
  }
  return chunks.length === 1 ? Buffer.from(chunks[0] ?? []) : Buffer.concat(chunks, size);
}

/** Before anything is read. @throws BrokerError `payload-too-large` when the body says that it is longer */
export function refuseDeclared({ headers }: Pick<HttpRequest, 'headers'>, maxBytes: number): void {
  if (Number(headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

function tooLarge(maxBytes: number): BrokerError {
  return new BrokerError('payload-too-large', `The body may have at most ${maxBytes} bytes.`);
}

// A byte order mark is kept, and then refused by JSON.parse, instead of being dropped in silence (RFC 8259 §8.1).
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Parses UTF-8 JSON. Bytes that are not UTF-8 are refused: replacing them would change a payload. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = strictUtf8.decode(bytes);
    const excess = jsonExcess(text);
    if (excess !== undefined) throw new BrokerError('malformed-json', `The body ${excess}.`);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError('malformed-json', 'The body is not a JSON document in UTF-8.', { cause: error });
  }
}

/**
 * A copy with the first level brought into the form its schema speaks of: `null` members dropped, decimal texts
 * to numbers, `"true"`/`"false"` to booleans, and single values to lists where the schema wants a list.
 * Text members are never touched.
 */
export function normalize(schema: TSchema, value: unknown): unknown {
  if (schema['type'] !== 'object' || typeof value !== 'object' || value === null || Array.isArray(value))
    return value;
  const properties = (schema as TObject).properties;
  const result: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === null) continue;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const normalized: unknown = property ? normalizeMember(property, member) : member;
    if (name !== '__proto__') {
      result[name] = normalized;
      continue;
    }
    // An assignment would change the prototype instead.
    const attributes = { enumerable: true, writable: true, configurable: true };
    Object.defineProperty(result, name, { value: normalized, ...attributes });
  }
  return result;
}

function normalizeMember(schema: TSchema, value: unknown): unknown {
  const type = schema['type'] as unknown;
  if (typeof value === 'string') {
    if ((type === 'integer' || type === 'number') && /^-?\d{1,15}$/.test(value)) return Number(value);
    if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  }
  if (type === 'array' && (typeof value === 'string' || Array.isArray(value))) {
    const items = (schema as TArray).items;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.map((item) => normalizeMember(items, item));
  }
  return value;
}

/** Normalizes and validates; the first fault is reported with its pointer and no value. */
export function validate(schema: TSchema, value: unknown, where: 'body' | 'query' | 'params'): unknown {
  const normalized = normalize(schema, value);
  const check = validatorOf(schema);
  if (check(normalized)) return normalized;
  const faults = (check.errors ?? []).map((error) => toFault(error, where));
  const first = faults[0] ?? { field: where, message: 'is not valid' };
  throw new BrokerError('invalid-parameters', `${first.field} : ${first.message}`, { faults: [first] });
}

function toFault(error: ErrorObject, where: string): Fault {
  const missing = error.keyword === 'required' ? `/${String(error.params['missingProperty'])}` : '';
  const path = `${error.instancePath}${missing}`;
  const field = path === '' ? where : where === 'body' ? path.slice(1) : path.slice(1).split('/')[0];
  return { field: field ?? where, message: missing ? 'is required' : (error.message ?? 'is not valid') };
}

/** The query as an object: repeated keys become lists, single ones text; normalize() makes lists where meant. */
export function readQuery(request: HttpRequest): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const name of new Set(request.query.keys())) {
    const values = request.query.getAll(name);
    refuseNul(name, values.join(''));
    result[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return { ...result };
}

/** Route parameters, percent-decoded once: the host hands them over as they stood in the path (design §11). */
export function readParams(request: HttpRequest, path: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
    const raw = request.params[name ?? ''] ?? '';
    let decoded: string;
    try {
      decoded = decodeURIComponent(raw);
    } catch {
      throw invalidParameter(name ?? 'path', 'is not percent-encoded UTF-8');
    }
    refuseNul(name ?? 'path', decoded);
    result[name ?? ''] = decoded;
  }
  return result;
}

function refuseNul(field: string, text: string): void {
  if (text.includes('\0')) throw invalidParameter(field.replaceAll('\0', ''), 'must not contain NUL');
}
