// Made-up cells for columns: candidates for witnesses, at the limits of both columns.

import type { ComparedColumn } from './compare-tables';
import { patternExample } from './text-examples';

const numbers = ['0', '1', '-1', '7', '12', '100000'];
const examples: Readonly<Record<string, readonly string[]>> = {
  any: ['a', 'b', 'A b', 'é', '1'],
  string: ['a', 'b', 'A b', 'é', '1', ''],
  number: [...numbers, '0.5', '-1.25', '1e3', 'NaN', 'INF'],
  integer: [...numbers, '+1', '007'],
  boolean: ['true', 'false', '1', '0', 'True'],
  date: ['2026-01-31', '1999-12-31', '2030-06-01'],
  time: ['23:59:59', '00:00:00', '12:00:00Z'],
  datetime: ['2026-01-31T23:59:59Z', '1999-12-31T00:00:00', '2030-06-01T12:00:00+01:00'],
  year: ['2026', '1999', '0001', '-0044'],
  yearmonth: ['2026-01', '1999-12'],
  duration: ['P1D', 'PT12H', 'P1Y2M'],
  object: ['{}', '{"a":1}'],
  geojson: ['{}', '{"type":"Point"}'],
  array: ['[]', '[1]'],
  geopoint: ['0,0', '12.5, -3'],
  'string:email': ['a@example.com', 'b@example.org'],
  'string:uri': ['https://example.com/a', 'urn:b'],
  'string:uuid': ['123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-12d3-a456-426614174001'],
  'string:binary': ['YQ==', 'Yg=='],
};
const longest = 2_000;

export function cellExamples(column: ComparedColumn, other: ComparedColumn): readonly string[] {
  const both = [column, other];
  const lengths = both
    .flatMap(({ minLength, maxLength }) => [minLength, maxLength])
    .filter((length) => length !== undefined)
    .flatMap((length) => [length - 1, length, length + 1])
    .filter((length) => length >= 0 && length <= longest);
  const bounds = both.flatMap(({ minimum, maximum }) => [minimum ?? [], maximum ?? []].flat());
  let turn = 0;
  const inTurn = () => (turn = (turn + 0.37) % 1);
  const patterns = both.flatMap(({ pattern }) => pattern ?? []);
  return [
    ...new Set([
      ...(examples[column.typeName] ?? []),
      ...both.flatMap(({ values }) => values ?? []),
      ...lengths.flatMap((length) => ['a'.repeat(length), '1'.repeat(length)]),
      ...bounds.flatMap(around),
      ...patterns.flatMap((pattern) =>
        Array.from({ length: 6 }, () => patternExample(pattern, inTurn) ?? []).flat(),
      ),
      ...(examples[other.typeName] ?? []),
    ]),
  ];
}

/** A bound, and where it is a number, its neighbours. */
function around(bound: string): readonly string[] {
  if (/^[+-]?\d{1,15}$/.test(bound)) {
    return [bound, String(Number(bound) - 1), String(Number(bound) + 1), `${bound}.5`];
  }
  return Number.isFinite(Number(bound))
    ? [bound, String(Number(bound) - 1), String(Number(bound) + 1)]
    : [bound];
}
