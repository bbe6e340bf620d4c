// Verdicts on tables, column by column, and none that is wrong on generated pairs.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareSchemas } from '../../../shared/adapters/schema/compare-schemas';
import { TableCheck } from '../../../shared/adapters/schema/table-check';
import { readTable } from '../../../shared/adapters/schema/table-schema';
import { BrokerError } from '../../../shared/broker-error';

type Field = Readonly<Record<string, unknown>>;
const table = (fields: readonly Field[], more: object = {}) => JSON.stringify({ fields, ...more });
const one = (field: Field, more: object = {}) => table([{ name: 'a', ...field }], more);
const within = (constraints: object, type = 'integer') => one({ type, constraints });

const compare = (oldText: string, newText: string, schemaType: 'CSV' | 'TSV' = 'CSV') =>
  compareSchemas({
    schemaType,
    oldText,
    newText,
    directions: ['backward'],
    unknownProperties: 'ignored',
  });

function accepts(schema: string, document: string): boolean {
  const check = new TableCheck(readTable('CSV', schema), { maxFaults: 1 });
  try {
    check.write(document);
    check.end();
    return true;
  } catch (error) {
    if (error instanceof BrokerError) return false;
    throw error;
  }
}

describe('backward, the new version is proven to accept the tables of the old one: ', () => {
  it.each([
    ['the same header row', 'a,b', 'a,b'],
    ['a header row that becomes a Table Schema', 'a', one({})],
    ['an integer that becomes a number', one({ type: 'integer' }), one({ type: 'number' })],
    ['a number that becomes a text', one({ type: 'number' }), one({ type: 'string' })],
    ['a year, which is an integer', one({ type: 'year' }), one({ type: 'integer' })],
    ['an e-mail address that becomes any text', one({ format: 'email' }), one({})],
    ['a required column that becomes optional', within({ required: true }), within({})],
    ['bounds that are widened', within({ minimum: 2, maximum: 3 }), within({ minimum: 1, maximum: '4' })],
    ['an enum that grows', within({ enum: [1, 2] }), within({ enum: ['2', '1', '3'] })],
    [
      'an enum of texts of the right length',
      within({ enum: ['ab', 'abc'] }, 'string'),
      within({ minLength: 2 }, 'string'),
    ],
    ['a unique column that may repeat', within({ unique: true }), within({})],
    [
      'a key that needs more columns',
      table([{ name: 'a' }, { name: 'b' }], { primaryKey: 'a' }),
      table([{ name: 'a', constraints: { required: true } }, { name: 'b' }], { primaryKey: ['a'] }),
    ],
    [
      'another text for no value',
      one({ type: 'integer' }, { missingValues: [''] }),
      one({ type: 'integer' }, { missingValues: ['', 'n/a'] }),
    ],
  ])('%s', (_change, old, changed) => {
    expect(compare(old, changed)).toEqual({ verdict: 'compatible', findings: [], unproven: [] });
  });
});

describe('backward, a witness shows what the new version refuses: ', () => {
  it.each([
    ['a column more', 'a', 'a,b', '/fields/1/name', 'a\n'],
    ['a column less', 'a,b', 'a', '/fields/1/name', 'a,b\n'],
    ['columns in another order', 'a,b', 'b,a', '/fields/0/name', 'a,b\n'],
    [
      'a number that becomes an integer',
      one({ type: 'number' }),
      one({ type: 'integer' }),
      '/fields/0/type',
      'a\n0.5\n',
    ],
    [
      'a column that becomes required',
      'a',
      within({ required: true }, 'string'),
      '/fields/0/constraints/required',
      'a\n""\n',
    ],
    ['a bound', within({ maximum: 9 }), within({ maximum: 8 }), '/fields/0/constraints/maximum', 'a\n9\n'],
    [
      'an enum that loses a value',
      within({ enum: [1, 2] }),
      within({ enum: [1] }),
      '/fields/0/constraints/enum',
      'a\n2\n',
    ],
    ['a pattern', 'a', within({ pattern: '[0-9]+' }, 'string'), '/fields/0/constraints/pattern', 'a\na\n'],
    [
      'a column that becomes unique',
      'a',
      within({ unique: true }, 'string'),
      '/fields/0/constraints/unique',
      'a\na\na\n',
    ],
    [
      'what stood for no value',
      one({ type: 'integer' }, { missingValues: ['', '-'] }),
      one({ type: 'integer' }),
      '/fields/0/type',
      'a\n-\n',
    ],
    [
      'a key',
      table(
        [
          { name: 'a', constraints: { required: true } },
          { name: 'b', constraints: { required: true } },
        ],
        { primaryKey: ['a', 'b'] },
      ),
      table([{ name: 'a' }, { name: 'b' }], { primaryKey: 'a' }),
      '/primaryKey',
      'a,b\na,a\na,b\n',
    ],
    [
      'a cell in quotation marks',
      within({ enum: ['x,"y"', 'z'] }, 'string'),
      within({ enum: ['z'] }, 'string'),
      '/fields/0/constraints/enum',
      'a\n"x,""y"""\n',
    ],
  ])('%s', (_change, old, changed, pointer, witness) => {
    expect(compare(old, changed)).toMatchObject({
      verdict: 'incompatible',
      findings: [{ pointer, witness, acceptedBy: 'old' }],
    });
  });
});

it('of what no cell can be found nothing is known', () => {
  const old = within({ pattern: '[0-9]{3}|x' }, 'string');
  expect(compare(old, within({ pattern: 'x|[0-9]{3}' }, 'string'))).toMatchObject({
    verdict: 'unknown',
    findings: [],
    unproven: [{ pointer: '/fields/0/constraints/pattern' }],
  });
});

it('a table of tab-separated values gets a witness without quotation marks', () => {
  expect(compare('a\tb', 'a', 'TSV').findings[0]?.witness).toBe('a\tb\n');
});

describe('generated pairs of tables', () => {
  const some = (constraints: Record<string, fc.Arbitrary<unknown>>) =>
    fc.record(constraints, { requiredKeys: [] });
  const number = fc.integer({ min: -2, max: 4 });
  const shared = { required: fc.boolean(), unique: fc.boolean() };
  const field = fc.oneof(
    fc.record({
      type: fc.constantFrom('integer', 'number'),
      constraints: some({
        ...shared,
        minimum: number,
        maximum: number,
        enum: fc.uniqueArray(number, { minLength: 1 }),
      }),
    }),
    fc.record({
      type: fc.constantFrom('string', 'any'),
      constraints: some({
        ...shared,
        minLength: fc.nat(3),
        maxLength: fc.nat(3),
        pattern: fc.constantFrom('[ab]+', 'a.*', '\\d*'),
        enum: fc.uniqueArray(fc.constantFrom('a', 'b', 'ab', '1', ''), { minLength: 1 }),
      }),
    }),
    fc.record({ type: fc.constantFrom('boolean', 'date', 'object', 'year'), constraints: some(shared) }),
  );
  const schema = fc
    .record({
      fields: fc.tuple(field, field).map(([a, b]) => [
        { name: 'a', ...a },
        { name: 'b', ...b },
      ]),
      more: some({
        missingValues: fc.uniqueArray(fc.constantFrom('', '-', '1', 'a'), { minLength: 1 }),
        primaryKey: fc.constantFrom('a', 'b', ['a', 'b']),
      }),
    })
    .map(({ fields, more }) => ({ fields, ...more }));
  const changed = fc.tuple(schema, schema, fc.nat(4)).map(([old, other, part]) => {
    const [a, b] = old.fields;
    const [c, d] = other.fields;
    const pairs = [
      other,
      { ...old, fields: [c, b] },
      { ...old, fields: [a, d] },
      { ...other, fields: old.fields },
      old,
    ];
    return [old, pairs[part] ?? other] as const;
  });
  const cell = fc.constantFrom(
    'a',
    'b',
    'ab',
    'abc',
    '',
    '-',
    '0',
    '1',
    '01',
    '2',
    '3.5',
    '2026',
    'true',
    '2026-01-31',
    '{}',
  );
  const rows = fc.array(fc.tuple(cell, cell), { maxLength: 3 });
  const toText = (lines: readonly (readonly string[])[]) =>
    ['a,b', ...lines.map((line) => line.join(','))].map((line) => `${line}\n`).join('');

  it('get no wrong verdict', () => {
    const tally = { compatible: 0, incompatible: 0, unknown: 0, confirmations: 0 };
    const documents = fc.sample(rows, { numRuns: 400, seed: 1 }).map(toText);
    fc.assert(
      fc.property(changed, ([first, second]) => {
        const [old, next] = [JSON.stringify(first), JSON.stringify(second)];
        const { verdict, findings } = compare(old, next);
        tally[verdict]++;
        for (const { witness } of findings) {
          expect([accepts(old, witness), accepts(next, witness)]).toEqual([true, false]);
        }
        if (verdict !== 'compatible') return;
        for (const document of documents) {
          if (!accepts(old, document)) continue;
          tally.confirmations++;
          expect([document, accepts(next, document)]).toEqual([document, true]);
        }
      }),
      { numRuns: 1_000, seed: 7 },
    );
    expect(tally.compatible).toBeGreaterThan(250);
    expect(tally.incompatible).toBeGreaterThan(250);
    expect(tally.unknown).toBeLessThan(350);
    expect(tally.confirmations).toBeGreaterThan(2_000);
  }, 120_000);
});
