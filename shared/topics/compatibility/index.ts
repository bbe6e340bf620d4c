// What others take from here: the comparison of schemas, and JSON values as schemas understand them.

export { compareJsonSchemas } from './compare-json-schemas';
export { type ComparedColumn, type ComparedTable, compareTables } from './compare-tables';
export {
  type Comparison,
  type Direction,
  type Finding,
  type Refusal,
  together,
  type Unproven,
  type Validators,
  type Verdict,
} from './comparison';
export { isMultipleOf } from './decimal';
export { areDistinct, type Json, jsonEqual } from './json-value';
