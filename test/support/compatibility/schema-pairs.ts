// Generates pairs of JSON Schemas to compare, most of them a schema and what one or two small changes make of it;
// and documents of the same few names and numbers.

import fc from 'fast-check';
import type { Json } from '../../../shared/topics/compatibility';
import { isObject } from '../../../shared/topics/compatibility/json-value';

export interface SchemaPair {
  readonly old: Json;
  readonly new: Json;
}
type Generator = fc.Arbitrary<Json>;

const name = fc.constantFrom('a', 'b', 'c', 'kind');
const limit = fc.integer({ min: -2, max: 6 });
const size = fc.integer({ min: 0, max: 4 });
const patterns = ['^a', 'b$', '^[ab]+$', '^[a-c]{1,3}$', '', '^\\d+$'];
const pattern = fc.constantFrom(...patterns);
const types = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];
const typeName = fc.constantFrom(...types);
const formats = ['date', 'email', 'no-such-format'];
const scalar = fc.constantFrom<Json>(null, true, false, 0, 1, 2, 3, 1.5, 'a', 'b', 'ab', '');
const value: Generator = fc.oneof(
  { weight: 6, arbitrary: scalar },
  fc.constantFrom<Json>([], [1], ['a'], [1, 1], {}, { a: 1 }, { a: 'b', kind: 'a' }),
);

/** Some of these keywords. */
function some(keywords: Readonly<Record<string, Generator>>): Generator {
  return fc.record(keywords, { requiredKeys: [] }) as Generator;
}

const simple: Generator = fc.oneof(
  typeName.map((type): Json => ({ type })),
  fc.uniqueArray(typeName, { minLength: 1, maxLength: 3 }).map((type): Json => ({ type })),
  value.map((constant): Json => ({ const: constant })),
  fc
    .uniqueArray(value, { minLength: 1, maxLength: 4, selector: (one) => JSON.stringify(one) })
    .map((values): Json => ({ enum: values })),
  some({
    type: fc.constantFrom('integer', 'number'),
    minimum: limit,
    maximum: limit,
    exclusiveMinimum: limit,
    exclusiveMaximum: limit,
    multipleOf: fc.constantFrom(1, 2, 3, 0.5, 6, 0.1),
  }),
  some({
    type: fc.constant('string'),
    minLength: size,
    maxLength: size,
    pattern,
    format: fc.constantFrom(...formats),
  }),
);

function objectSchema(inner: Generator): Generator {
  return some({
    type: fc.constant('object'),
    properties: fc.dictionary(name, inner, { maxKeys: 3 }),
    required: fc.uniqueArray(name, { maxLength: 2 }),
    additionalProperties: inner,
    patternProperties: fc.dictionary(pattern, inner, { maxKeys: 2 }),
    propertyNames: fc.oneof(
      pattern.map((one): Json => ({ pattern: one })),
      fc.uniqueArray(name, { minLength: 1 }).map((names): Json => ({ enum: names })),
      size.map((maxLength): Json => ({ maxLength })),
    ),
    minProperties: fc.nat(2),
    maxProperties: size,
    dependencies: fc.dictionary(name, fc.oneof(fc.uniqueArray(name, { maxLength: 2 }), inner), {
      maxKeys: 2,
    }),
  });
}

function listSchema(inner: Generator): Generator {
  return some({
    type: fc.constant('array'),
    items: fc.oneof(inner, fc.array(inner, { minLength: 1, maxLength: 3 })),
    additionalItems: inner,
    contains: inner,
    minItems: fc.nat(2),
    maxItems: size,
    uniqueItems: fc.boolean(),
  });
}

function combined(inner: Generator): Generator {
  const branches = fc.array(inner, { minLength: 1, maxLength: 3 });
  return fc.oneof(
    branches.map((anyOf): Json => ({ anyOf })),
    branches.map((oneOf): Json => ({ oneOf })),
    branches.map((allOf): Json => ({ allOf })),
    inner.map((not): Json => ({ not })),
    some({ if: inner, then: inner, else: inner }),
    inner.map((additionalProperties): Json => ({
      properties: { a: { $ref: '#/definitions/shared' }, b: { $ref: '#' } },
      additionalProperties,
    })),
    fc.constant<Json>({ properties: { kind: { const: 'a' }, c: { $ref: '#' } }, required: ['kind'] }),
  );
}

const { inner: schema } = fc.letrec<{ inner: Json }>((tie) => ({
  inner: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 1, arbitrary: fc.boolean() },
    { weight: 5, arbitrary: simple },
    { weight: 5, arbitrary: objectSchema(tie('inner')) },
    { weight: 3, arbitrary: listSchema(tie('inner')) },
    { weight: 3, arbitrary: combined(tie('inner')) },
  ),
}));

/** A whole document: an object, with the definitions that the references in it name. */
const root = fc.tuple(schema, simple).map(([one, shared]): Json => {
  const whole = isObject(one) ? one : { not: { not: one } };
  return { ...whole, definitions: { shared } };
});

/** One small change somewhere in a schema, such as people make from one version to the next. */
function mutate(present: Json, path: readonly number[], replacement: Json, step = 0): Json {
  const choice = path[step] ?? 0;
  const deeper = (inner: Json) => mutate(inner, path, replacement, step + 1);
  if (typeof present === 'number') return Math.max(1, choice % 2 === 0 ? present + 1 : present - 1);
  if (typeof present === 'boolean') return !present;
  if (typeof present === 'string') {
    const known = [types, patterns, formats].find((words) => words.includes(present));
    return known?.[choice % known.length] ?? present;
  }
  if (present === null) return present;
  if (Array.isArray(present)) {
    const list = present as readonly Json[];
    const at = choice % Math.max(1, list.length);
    if (choice % 3 === 0 && list.length > 1) return list.filter((_, index) => index !== at);
    if (choice % 5 === 0) return [...list, typeof list[0] === 'string' ? 'c' : true];
    return list.map((one, index) => (index === at ? deeper(one) : one));
  }
  const entries = Object.entries(present as Record<string, Json>);
  const at = entries[choice % Math.max(1, entries.length)]?.[0];
  if (at === undefined) return replacement;
  if (choice % 4 === 0 && at !== 'definitions')
    return Object.fromEntries(entries.filter(([one]) => one !== at));
  return Object.fromEntries(entries.map(([one, inner]) => [one, one === at ? deeper(inner) : inner]));
}

const path = fc.array(fc.nat(60), { minLength: 6, maxLength: 6 });
const changes = fc.array(fc.tuple(path, schema), { minLength: 1, maxLength: 2 });
const related = fc.tuple(root, changes, fc.boolean()).map(([first, steps, isSwapped]): SchemaPair => {
  const second = steps.reduce<Json>((changed, [at, replacement]) => mutate(changed, at, replacement), first);
  return isSwapped ? { old: second, new: first } : { old: first, new: second };
});

/** Few of them are not valid schemas: a change may make a keyword's value impossible. */
export const schemaPair: fc.Arbitrary<SchemaPair> = fc.oneof(
  { weight: 5, arbitrary: related },
  { weight: 1, arbitrary: fc.record({ old: root, new: root }) },
);

export const anyDocument: Generator = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    { weight: 3, arbitrary: value },
    { weight: 1, arbitrary: limit },
    { weight: 1, arbitrary: fc.constantFrom<Json>(0.5, 2.5, 12, 1e21, 'abc', 'aaaa', '12', 'x') },
    { weight: 2, arbitrary: fc.array(tie('json'), { maxLength: 4 }) },
    {
      weight: 4,
      arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'kind', 'ab', '1', 'other'), tie('json'), {
        maxKeys: 4,
      }),
    },
  ),
})).json;
