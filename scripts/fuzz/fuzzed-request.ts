// One request of a fuzz run: an operation of the document filled with things that exist (the caller's own, and those
// of others), then bent in body, query, path or headers.

import { hostileTexts, hostileValue, longText } from './hostile-values';
import { bendHeaders, bendText } from './bent-bytes';
import { type Kind, kindsOf, type KnownThings } from './known-things';
import type { Json, Operation } from './operations';
import type { Random } from './random';
import { type Suggest, valueFor } from './schema-values';

export interface FuzzedRequest {
  readonly operation: Operation;
  readonly method: string;
  /** Path and query as they are sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** What the body is, where it was left whole. */
  readonly json: unknown;
  /** Bytes after which the connection is ended; absent: all are sent. */
  readonly cutAt?: number;
}

/** What a caller knows: its own things, and names of others' things that it has somehow learnt. */
export interface Knowledge {
  readonly own: KnownThings;
  readonly others: KnownThings;
}

const payloads = ['{}', '[]', '"text"', '{"a":1}', 'opaque', '<a>1</a>', 'a,b\n1,2', '{"__proto__":{"a":1}}'];
const schemas = [
  ...['{}', '{"type":"object"}', '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}'],
  ...[
    '{"type":"string","pattern":"^(a+)+$"}',
    '{"$ref":"#"}',
    '{"type":"nonsense"}',
    '{"allOf":[{"$ref":"#"}]}',
  ],
  ...[
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>',
    'a,b',
    '<a/>',
  ],
  ...['{"fields":[{"name":"a","type":"integer"}]}', `{"enum":[${'1,'.repeat(2_000)}1]}`],
];

/** Makes a request of `operation` as a caller with this knowledge might, or an attacker. */
export function fuzzRequest(operation: Operation, knowledge: Knowledge, random: Random): FuzzedRequest {
  const suggest = suggestionsFor(operation.template, knowledge);
  const target = bendTarget(targetOf(operation, suggest, random), random);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...describedHeaders(operation, random),
    ...bendHeaders(random),
  };
  const method = random.chance(0.02)
    ? random.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH'])
    : operation.method;
  const sent = bodyOf(operation, suggest, random);
  if (!sent) return { operation, method, target, headers, body: undefined, json: undefined };
  const contentType = random.chance(0.04)
    ? random.pick([
        'text/plain',
        'application/xml',
        'multipart/form-data',
        '',
        'application/json; charset=utf-16',
      ])
    : sent.contentType;
  const { bytes, cutAt, isWhole } = bendText(sent.text, random);
  return {
    operation,
    method,
    target,
    headers: { ...headers, 'content-type': contentType },
    body: bytes,
    json: isWhole ? sent.json : undefined,
    ...(cutAt === undefined ? {} : { cutAt }),
  };
}

/** Few different values, so that some are repeated. */
function describedHeaders({ parameters }: Operation, random: Random): Record<string, string> {
  return Object.fromEntries(
    parameters
      .filter((parameter) => parameter.in === 'header' && (parameter.required || random.chance(0.15)))
      .map(({ name }) => [name.toLowerCase(), random.pick(['key-1', 'key-2', 'key-3', random.uuid()])]),
  );
}

function suggestionsFor(template: string, { own, others }: Knowledge): Suggest {
  return (member, random) => {
    if (member === 'payload') return random.pick(payloads);
    if (member === 'schema') return random.pick(schemas);
    if (member === 'clientGatewayMessageId') return random.uuid();
    // Waiting is not what takes a fuzz run its time.
    if (member === 'waitSeconds') return random.below(2);
    const named: readonly Kind[] = kindsOf(member, template);
    if (named.length === 0 || random.chance(0.08)) return undefined;
    const first = random.chance(0.62) ? own : others;
    return first.pick(named, random) ?? others.pick(named, random) ?? own.pick(named, random);
  };
}

function targetOf(operation: Operation, suggest: Suggest, random: Random): string {
  const query: string[] = [];
  let path = operation.template;
  for (const { name, in: place, required, schema } of operation.parameters) {
    if (place === 'header' || (place === 'query' && !required && random.chance(0.5))) continue;
    let value = valueFor(schema, name, suggest, random);
    if (random.chance(0.1)) value = random.chance(0.7) ? random.pick(hostileTexts) : hostileValue(random);
    const texts = (Array.isArray(value) ? value : [value]).slice(0, 300).map(printed);
    if (place === 'query') query.push(...texts.map((text) => `${name}=${encode(text, random)}`));
    else path = path.replace(`{${name}}`, () => encode(texts[0] ?? '', random).slice(0, 9_000));
  }
  return query.length ? `${path}?${query.join('&')}` : path;
}

const printed = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value).slice(0, 3_000);

function encode(text: string, random: Random): string {
  const encoded = encodeURIComponent(text.toWellFormed());
  if (random.chance(0.03))
    return [...Buffer.from(text.slice(0, 500))].map((byte) => `%${hexOf(byte)}`).join('');
  return random.chance(0.05) ? encoded.replaceAll('%20', '+').replaceAll('%3A', ':') : encoded;
}

const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0');

/** Longer targets are the host's affair, which refuses their headers. */
const maxTargetLength = 16_000;

function bendTarget(target: string, random: Random): string {
  const bent = random.chance(0.08) ? bentTarget(target, random) : target;
  return bent.slice(0, maxTargetLength);
}

function bentTarget(target: string, random: Random): string {
  const [path = '', query] = target.split('?');
  const separator = query === undefined ? '?' : '&';
  switch (random.below(12)) {
    case 0:
      return `${path}/${query === undefined ? '' : `?${query}`}`;
    case 1:
      return `${target}${separator}${query ?? 'a=b'}`;
    case 2:
      return `${target}${separator}unknown=1&__proto__=1&constructor[prototype][x]=1&=&&a[]=1`;
    case 3:
      return `${target}${separator}limit=%00`;
    case 4:
      return `${target}${separator}name=%zz&owner=%&tags=%ff%fe`;
    case 5:
      return path.replace(/\/([^/]*)$/, '/%2e%2e/$1');
    case 6:
      return path.toUpperCase();
    case 7:
      return `${path}%2f..%2f`;
    case 8:
      return `${path}/%c0%af`;
    case 9:
      return `${path};a=b${query === undefined ? '' : `?${query}`}`;
    case 10:
      return `${target}${separator}limit=${encodeURIComponent(longText(random)).slice(0, 10_000)}`;
    default:
      return `${path}//${encodeURIComponent(random.pick(hostileTexts).toWellFormed())}`;
  }
}

interface SentBody {
  readonly contentType: string;
  readonly text: string;
  readonly json?: unknown;
}

function bodyOf({ body, method }: Operation, suggest: Suggest, random: Random): SentBody | undefined {
  if (!body) {
    if (method === 'GET' || random.chance(0.7)) return undefined;
    return { contentType: 'application/json', text: random.pick(['', '{}', 'null', '[', 'x']) };
  }
  const value = bendValue(valueFor(body.schema, '', suggest, random), body.schema, random);
  if (body.contentType.startsWith('multipart/')) return formOf(value, random);
  return { contentType: body.contentType, text: JSON.stringify(value), json: value };
}

/** One to three changes in two cases of three. */
function bendValue(value: unknown, schema: Json, random: Random): unknown {
  if (random.chance(0.35)) return value;
  let bent = structuredClone(value);
  for (let count = 1 + random.below(3); count > 0; count--) bent = bendOnce(bent, schema, random);
  return bent;
}

function bendOnce(value: unknown, schema: Json, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.03)) return hostileValue(random);
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.2)) return [...(value as unknown[]), hostileValue(random)];
    const at = random.below(value.length);
    return value.with(at, bendOnce(value[at], (schema['items'] ?? {}) as Json, random));
  }
  const members = Object.keys(schema['properties'] ?? value);
  const name = members.length ? random.pick(members) : '';
  const record = value as Record<string, unknown>;
  switch (random.below(8)) {
    case 0:
      return Object.fromEntries(Object.entries(record).filter(([known]) => known !== name));
    case 1:
      return { ...record, [name]: null };
    case 2:
      return { ...record, [random.pick(hostileTexts)]: hostileValue(random), unknown: 1 };
    case 3:
      return { ...record, [name]: [record[name], record[name]] };
    case 4:
      return { ...record, [name]: beyond(memberOf(schema, name), random) };
    case 5:
      return { ...record, [name]: bendOnce(record[name], memberOf(schema, name), random) };
    default:
      return { ...record, [name]: hostileValue(random) };
  }
}

const memberOf = (schema: Json, name: string): Json =>
  ((schema['properties'] ?? {}) as Record<string, Json>)[name] ?? {};

/** Just beyond a bound of the schema. */
function beyond(schema: Json, random: Random): unknown {
  const { maximum, minimum, maxLength, maxItems, type } = schema;
  if (typeof maximum === 'number') return maximum + 1;
  if (typeof minimum === 'number') return minimum - 1;
  if (typeof maxLength === 'number') return 'x'.repeat(Math.min(maxLength + 1, 2_000_000));
  if (typeof maxItems === 'number') return Array.from({ length: Math.min(maxItems + 1, 12_000) }, () => 'x');
  return type === 'string' ? random.below(1_000) : String(hostileValue(random));
}

function formOf(value: unknown, random: Random): SentBody {
  const boundary = random.chance(0.05) ? random.pick(['', '"', 'a b', 'x'.repeat(100)]) : 'fuzz-boundary';
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const file = fields.filter(([name]) => name === 'file');
  const others = fields.filter(([name]) => name !== 'file');
  const ordered = random.chance(0.1)
    ? [...others, ...file]
    : [...file, ...others, ...(random.chance(0.05) ? file : [])];
  const parts = ordered.map(([name, field]) => {
    const disposition = `Content-Disposition: form-data; name="${name.replaceAll(/[\r\n"]/g, '')}"`;
    const fileName = name === 'file' ? `; filename="${random.pick(['a.csv', '../a', '', 'é.tsv'])}"` : '';
    return `--${boundary}\r\n${disposition}${fileName}\r\n\r\n${printed(field)}\r\n`;
  });
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    text: `${parts.join('')}--${boundary}${random.chance(0.95) ? '--\r\n' : ''}`,
  };
}
