// Verdicts on JSON Schemas, change by change, with the pitfalls of draft 7.

import { describe, expect, it } from '@jest/globals';
import type { Direction, Json } from '../../../shared/topics/compatibility';
import { compare } from '../../support/compatibility/real-validators';

type Row = readonly [change: string, old: Json, changed: Json];

const object = (properties: Json, more: Readonly<Record<string, Json>> = {}): Json => ({
  type: 'object',
  properties,
  ...more,
});
const text = { type: 'string' };
const closed = { additionalProperties: false };
const tree = (value: Json): Json => ({
  properties: { value, children: { type: 'array', items: { $ref: '#' } } },
  required: ['value'],
});
const union = (...kinds: readonly string[]): Json => ({
  oneOf: kinds.map((kind) => object({ kind: { const: kind } }, { required: ['kind'] })),
});

const verdictOf = (old: Json, changed: Json, direction: Direction = 'backward', unknownProperties = false) =>
  compare({ old, new: changed }, [direction], unknownProperties).verdict;

describe('backward, it is proven that the new version accepts what the old one did, for ', () => {
  it.each<Row>([
    ['the same schema', tree(text), tree(text)],
    ['a required field that is dropped', object({ a: text }, { required: ['a'] }), object({ a: text })],
    ['an optional property that is added', object({ a: text }), object({ a: text, b: { type: 'integer' } })],
    ['the same in a closed schema', object({ a: text }, closed), object({ a: text, b: text }, closed)],
    [
      'a schema that is closed: nothing unknown was produced',
      object({ a: text }),
      object({ a: text }, closed),
    ],
    ['a closed schema that is opened', object({ a: text }, closed), object({ a: text })],
    ['an integer that becomes a number', { type: 'integer' }, { type: 'number' }],
    ['whole multiples, which are integers', { multipleOf: 2, type: 'number' }, { type: 'integer' }],
    ['a type that gets another beside it', text, { type: ['string', 'null'] }],
    ['a bound that is widened', { minimum: 5, maximum: 9 }, { minimum: 4, maximum: 10 }],
    ['an exclusive bound that becomes inclusive', { exclusiveMinimum: 5 }, { minimum: 5 }],
    ['an exclusive bound of integers', { type: 'integer', exclusiveMinimum: 4 }, { minimum: 5 }],
    ['lengths that are widened', { minLength: 3, maxLength: 5 }, { minLength: 1, maxLength: 50 }],
    ['a coarser multiple', { multipleOf: 6 }, { multipleOf: 3 }],
    ['a decimal multiple', { multipleOf: 0.01 }, { multipleOf: 0.005 }],
    ['an enum that grows', { enum: ['a', 'b'] }, { enum: ['a', 'b', 'c'] }],
    ['a const that becomes an enum', { const: { a: 1.0 } }, { enum: [{ a: 1 }, 2] }],
    ['an enum that fits the new type', { enum: [1, 2.0] }, { type: 'integer' }],
    ['few integers, spelled out', { type: 'integer', minimum: 1, maximum: 3 }, { enum: [1, 2, 3] }],
    ['a pattern that is dropped', { type: 'string', pattern: '^a' }, text],
    ['an enum that matches a new pattern', { enum: ['ab', 'a'] }, { pattern: '^a' }],
    ['a format that stays, and one that goes', { format: 'date', minLength: 3 }, { format: 'date' }],
    ['unique items that may repeat', { uniqueItems: true }, { uniqueItems: false }],
    ['a list of one, which is unique', { type: 'array', maxItems: 1 }, { uniqueItems: true }],
    ['a tuple that becomes a list', { items: [text, text], additionalItems: false }, { items: text }],
    ['a tuple without an end', { items: [text], additionalItems: text }, { items: text }],
    ['contains that asks for less', { contains: { const: 3 } }, { contains: { type: 'integer' } }],
    ['contains that every item meets', { type: 'array', items: text, minItems: 1 }, { contains: text }],
    [
      'patterns of properties that are widened',
      object({}, { patternProperties: { '^x-': text }, ...closed }),
      object({}, { patternProperties: { '^x-': { type: ['string', 'number'] } } }),
    ],
    [
      'a map whose values are widened',
      { additionalProperties: { type: 'integer' } },
      { additionalProperties: { type: 'number' } },
    ],
    ['names that may be longer', { propertyNames: { maxLength: 3 } }, { propertyNames: { maxLength: 5 } }],
    [
      'a dependency that is met',
      object({ a: text, b: text }, { required: ['b'] }),
      object({ a: text, b: text }, { dependencies: { a: ['b'] } }),
    ],
    [
      'a dependency on a property that nobody produces',
      object({ a: text }),
      object({ a: text, b: text }, { dependencies: { b: ['a'] } }),
    ],
    [
      'a condition that stays, with a wider branch',
      { if: { type: 'string' }, then: { minLength: 3 }, else: { type: 'integer' } },
      { if: { type: 'string' }, then: { minLength: 2 }, else: { type: 'number' } },
    ],
    ['what is not, which is less', { not: { type: 'number' } }, { not: { type: 'integer' } }],
    ['a variant that is added to a union', union('a', 'b'), union('a', 'b', 'c')],
    ['a union that is loosened', union('a', 'b'), object({ kind: text }, { required: ['kind'] })],
    [
      'alternatives in another order',
      { anyOf: [text, { type: 'null' }] },
      { anyOf: [{ type: 'null' }, text] },
    ],
    ['a recursion that is widened inside', tree({ type: 'integer' }), tree({ type: 'number' })],
    [
      'a recursion that is written otherwise',
      tree(text),
      {
        $ref: '#/definitions/t',
        definitions: {
          t: {
            properties: { value: text, children: { items: { $ref: '#/definitions/t' } } },
            required: ['value'],
          },
        },
      },
    ],
    [
      'what stands beside a reference, which counts for nothing',
      { definitions: { n: { type: 'integer' } }, properties: { a: { $ref: '#/definitions/n' } } },
      { definitions: { n: { type: 'integer' } }, properties: { a: { $ref: '#/definitions/n', minimum: 5 } } },
    ],
    ['a schema that accepted nothing', false, { type: 'integer', minimum: 3 }],
    ['a contradiction', { allOf: [{ minimum: 5 }, { maximum: 4 }], type: 'number' }, { const: 'x' }],
  ])('%s', (_change, old, changed) => {
    expect(verdictOf(old, changed)).toBe('compatible');
    // The same question, asked the other way round.
    expect(verdictOf(changed, old, 'forward')).toBe('compatible');
  });
});

describe('backward, a witness shows what the new version refuses: ', () => {
  it.each<Row>([
    ['a field that becomes required', object({ a: text }), object({ a: text }, { required: ['a'] })],
    [
      'a property that a closed schema loses',
      object({ a: text, b: text }, closed),
      object({ a: text }, closed),
    ],
    ['a number that becomes an integer', { type: 'number' }, { type: 'integer' }],
    ['an upper bound that sinks', { type: 'number', maximum: 10 }, { type: 'number', maximum: 9 }],
    ['a bound that becomes exclusive', { minimum: 5 }, { exclusiveMinimum: 5 }],
    ['a length that shrinks', { maxLength: 10 }, { maxLength: 9 }],
    ['a finer multiple', { multipleOf: 3 }, { multipleOf: 6 }],
    ['an enum that loses a value', { enum: ['a', 'b'] }, { enum: ['a'] }],
    ['a new pattern', text, { type: 'string', pattern: '^[a-z]+$' }],
    [
      'a pattern inside a closed one',
      { type: 'string', pattern: '^[a-f]{2}$' },
      { type: 'string', pattern: '^[a-e]{2}$' },
    ],
    ['a new format', text, { type: 'string', format: 'date' }],
    ['items that must be unique', { type: 'array' }, { type: 'array', uniqueItems: true }],
    ['a tuple that ends', { type: 'array', items: [text] }, { items: [text], additionalItems: false }],
    ['contains that nothing need meet', { type: 'array' }, { contains: { type: 'integer' } }],
    ['names that must match', { additionalProperties: text }, { propertyNames: { pattern: '^[a-z]$' } }],
    [
      'a dependency',
      object({ a: text, b: text }),
      object({ a: text, b: text }, { dependencies: { a: ['b'] } }),
    ],
    ['a condition', { type: 'integer' }, { if: { minimum: 10 }, then: { multipleOf: 10 } }],
    ['what must not be', { type: ['string', 'null'] }, { not: { type: 'null' } }],
    ['a variant that a union loses', union('a', 'b'), union('a')],
    [
      'alternatives of which now one alone may match',
      { type: 'integer' },
      { oneOf: [{ minimum: 1 }, { multipleOf: 2 }] },
    ],
    ['a change deep inside a recursion', tree({ type: ['integer', 'null'] }), tree({ type: 'integer' })],
    [
      'a map that loses a type',
      { additionalProperties: { type: ['string', 'null'] } },
      { additionalProperties: text },
    ],
    [
      'a property of an unlucky name',
      object({ ['__proto__']: text, constructor: text }),
      object({ constructor: { type: 'null' } }),
    ],
    ['everything', {}, false],
  ])('%s', (_change, old, changed) => {
    const { verdict, findings } = compare({ old, new: changed }, ['backward'], false);
    expect(verdict).toBe('incompatible');
    expect(findings.map(({ acceptedBy }) => acceptedBy)).toContain('old');
    // Forward, the same witness is accepted by the new version and refused by the old one.
    expect(verdictOf(changed, old, 'forward')).toBe('incompatible');
  });

  it('says where, why and with which document', () => {
    const old = object({ person: object({ age: { type: 'integer' } }) });
    const changed = object({ person: object({ age: { type: 'integer', minimum: 18 } }) });
    const { findings } = compare({ old, new: changed }, ['backward'], false);
    expect(findings).toEqual([
      {
        pointer: '/properties/person/properties/age/minimum',
        reason: 'The new version refuses it at /person/age: must be >= 18.',
        witness: expect.stringMatching(/^\{"person":\{"age":-?\d+\}\}$/),
        acceptedBy: 'old',
      },
    ]);
  });

  it('names every place that a witness is found for, in both directions', () => {
    const old = object({ a: text, b: text });
    const changed = object({ a: { type: 'integer' }, b: { type: 'integer' } });
    const { findings } = compare({ old, new: changed }, ['backward', 'forward'], false);
    expect(findings.map(({ acceptedBy, pointer }) => `${acceptedBy} ${pointer}`).sort()).toEqual([
      'new /properties/a/type',
      'new /properties/b/type',
      'old /properties/a/type',
      'old /properties/b/type',
    ]);
  });
});

describe('properties that a schema does not name', () => {
  const old = object({ a: text });

  it.each<Row>([
    ['an optional property of some type', old, object({ a: text, b: { type: 'integer' } })],
    ['a closed schema', old, object({ a: text }, closed)],
    ['a deeper property', object({ a: { type: 'object' } }), object({ a: object({ b: text }) })],
  ])('are taken as never produced, unless the topic says so: %s', (_change, before, after) => {
    expect(verdictOf(before, after)).toBe('compatible');
    const { verdict, findings } = compare({ old: before, new: after }, ['backward'], true);
    expect(verdict).toBe('incompatible');
    expect(findings).not.toEqual([]);
  });

  it.each<readonly [string, Json, Json]>([
    ['required', object({}, { required: ['b'] }), object({ b: { type: 'integer' } })],
    ['dependencies', object({ a: text }, { dependencies: { a: ['b'] } }), object({ b: { type: 'integer' } })],
    [
      'another branch',
      { anyOf: [object({ b: text }), object({ a: text })] },
      object({ b: { type: 'integer' } }),
    ],
    ['a pattern', object({}, { patternProperties: { '^b': text } }), object({ b: { type: 'integer' } })],
    [
      'a schema for all others',
      object({}, { additionalProperties: text }),
      object({ b: { type: 'integer' } }),
    ],
    ['an enum of whole objects', { enum: [{ b: 'x' }, {}] }, object({ b: { type: 'integer' } })],
  ])('are others than those that it names by %s', (_keyword, before, after) => {
    expect(verdictOf(before, after)).toBe('incompatible');
  });
});

describe('what is neither proven nor shown is unknown: ', () => {
  it.each<Row>([
    [
      'a pattern against an equal one',
      { type: 'string', pattern: '^[ab]$' },
      { type: 'string', pattern: '^(a|b)$' },
    ],
    [
      'a reference by an address of its own',
      { $id: 'http://a/b', $ref: '#c', definitions: { c: { $id: '#c', type: 'string' } } },
      text,
    ],
    [
      'a format against a pattern that fits it',
      { type: 'string', format: 'date' },
      { type: 'string', pattern: '^\\d{4}-' },
    ],
  ])('%s', (_change, old, changed) => {
    const { verdict, findings, unproven } = compare({ old, new: changed }, ['backward'], false);
    expect({ verdict, findings }).toEqual({ verdict: 'unknown', findings: [] });
    expect(unproven[0]).toMatchObject({ pointer: expect.any(String), reason: expect.any(String) });
  });
});
