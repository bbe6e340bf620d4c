// Keywords that ajv decides otherwise than draft 7 for some values: `multipleOf` for large numbers and decimal
// fractions; `const`, `enum` and `uniqueItems` for objects with members such as `valueOf`, on which its comparison
// fails. Here they are decided exactly, and `uniqueItems` in linear time.

import type Ajv from 'ajv';
import type { WorkLimit } from './work-limit';
import { areDistinct, isMultipleOf, type Json, jsonEqual } from '../../topics/compatibility';

/** Replaces these keywords of an ajv that has compiled nothing yet. */
export function addExactKeywords<Instance extends Ajv>(ajv: Instance, limit: WorkLimit): Instance {
  const limited =
    <Value>(accepts: (value: Value) => boolean) =>
    (value: Value) => {
      limit.look();
      return accepts(value);
    };
  for (const keyword of ['multipleOf', 'const', 'enum', 'uniqueItems']) ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    compile: (divisor: number) => limited((value: number) => isMultipleOf(value, divisor)),
    error: { message: ({ schema }) => `must be multiple of ${String(schema)}` },
  });
  ajv.addKeyword({
    keyword: 'const',
    compile: (constant: Json) => limited((value: Json) => jsonEqual(constant, value)),
    error: { message: 'must be equal to constant' },
  });
  ajv.addKeyword({
    keyword: 'enum',
    compile: (values: readonly Json[]) => limited(isAmong(values)),
    error: { message: 'must be equal to one of the allowed values' },
  });
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    compile: (isUnique: boolean) =>
      limited((elements: readonly Json[]) => !isUnique || areDistinct(elements)),
    error: { message: 'must NOT have duplicate items' },
  });
  return ajv;
}

function isAmong(values: readonly Json[]): (value: Json) => boolean {
  const scalars = new Set<Json>(values.filter((value) => typeof value !== 'object' || value === null));
  const others = values.filter((value) => typeof value === 'object' && value !== null);
  return (value) => scalars.has(value) || others.some((one) => jsonEqual(one, value));
}
