// Schemas made to keep a comparison busy: it ends in its time, in a thread, and whoever waits for others is served.

import { afterAll, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { longestTurnOf } from '../../../scripts/bench/schemas/longest-turn';
import { SchemaThreads, ThreadedSchemaComparer } from '../../../shared/adapters/schema';

const threads = new SchemaThreads({ program: join(__dirname, '../../../dist/schema-worker.mjs') });
const comparer = new ThreadedSchemaComparer(threads);
afterAll(() => threads.close());

const list = <Item>(count: number, one: (at: number) => Item) =>
  Array.from({ length: count }, (_, at) => one(at));

/** References that double at each step, each to a part of the value. */
const doubling = (leaf: string) => ({
  definitions: Object.fromEntries([
    ...list(30, (at) => [
      `d${at}`,
      {
        properties: { a: { $ref: `#/definitions/d${at + 1}` }, b: { $ref: `#/definitions/d${at + 1}` } },
        required: ['a', 'b'],
      },
    ]),
    ['d30', { type: leaf }],
  ]) as object,
  $ref: '#/definitions/d0',
});
const choices = (limit: number) => ({
  allOf: list(30, (at) => ({
    anyOf: [{ required: [`a${at}`] }, { minProperties: limit }, { maxProperties: at }],
  })),
});
const union = (name: string) => ({
  oneOf: list(100, (at) => ({
    properties: { [name]: { const: at }, rest: { enum: list(20, (one) => one + at) } },
  })),
});
const nested = (depth: number, leaf: object): object =>
  list(depth, (at) => at).reduce<object>((inner) => ({ items: inner, minItems: 4, contains: inner }), leaf);

it.each([
  ['references that double at each step', doubling('string'), doubling('integer')],
  ['choices that multiply', choices(3), choices(2)],
  ['a union of hundreds, against another', union('a'), union('b')],
  ['lists in lists, each of which must hold one', nested(8, { type: 'string' }), nested(8, { type: 'null' })],
  [
    'a thousand properties that must all be there',
    {
      properties: Object.fromEntries(list(1_000, (at) => [`p${at}`, { type: 'string' }])),
      required: list(1_000, (at) => `p${at}`),
    },
    { additionalProperties: { type: 'string', minLength: 2 } },
  ],
  [
    'patterns that are searched in long texts',
    { pattern: '^(a|a)*$', minLength: 2_000 },
    { pattern: '^(a|a)*b$' },
  ],
])('ends in its time: %s', async (_name, old, changed) => {
  const [oldText, newText] = [JSON.stringify(old), JSON.stringify(changed)];
  const { result, longestMs } = await longestTurnOf(() =>
    comparer.compare(
      {
        schemaType: 'JSD7',
        oldText,
        newText,
        directions: ['backward', 'forward'],
        unknownProperties: 'produced',
      },
      'dry-run',
    ),
  );
  // None of these is compatible; a witness is not asked for.
  expect(['incompatible', 'unknown']).toContain(result.verdict);
  expect(longestMs).toBeLessThan(50);
});

it('of a published schema that can no longer be compiled nothing is known', async () => {
  const comparison = await comparer.compare(
    {
      schemaType: 'JSD7',
      oldText: '{"pattern":"(?=a)"}',
      newText: '{}',
      directions: ['backward'],
      unknownProperties: 'ignored',
    },
    'version',
  );
  expect(comparison).toMatchObject({ verdict: 'unknown', findings: [], unproven: [{ pointer: '' }] });
});
