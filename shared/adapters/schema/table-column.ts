// One column of a table: what a field of a Table Schema says of its cells, as checks of one cell each.

import { type Static, Type } from '@sinclair/typebox';
import { columnTypes, type ColumnType, stringFormats } from './column-types';
import { linearPattern, type LinearPattern } from './linear-pattern';
import { refuseSchema as refuse } from './schema-faults';

/** Longest cell that is held against a pattern, in characters. */
const maxMatchedLength = 16_384;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly isRequired: boolean;
  /** Whether no value may stand in it twice. */
  readonly isUnique: boolean;
  /** The Table Schema's description of the field; undefined for a column of a plain header row. */
  readonly field: Field | undefined;
  /** What is wrong with a cell of the right type, its pattern aside; undefined when nothing is. */
  readonly faultOf: (text: string) => string | undefined;
  /** Kept apart from all else: matching alone can be dear. */
  readonly pattern: LinearPattern | undefined;
}

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
export const FieldSchema = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 1_000 }),
  type: Type.Optional(Type.Union(Object.keys(columnTypes).map((name) => Type.Literal(name)))),
  format: Type.Optional(Type.String()),
  constraints: Type.Optional(
    Type.Object(
      {
        required: Type.Optional(Type.Boolean()),
        unique: Type.Optional(Type.Boolean()),
        minLength: Type.Optional(Type.Integer({ minimum: 0 })),
        maxLength: Type.Optional(Type.Integer({ minimum: 0 })),
        minimum: Type.Optional(Scalar),
        maximum: Type.Optional(Scalar),
        pattern: Type.Optional(Type.String()),
        enum: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 10_000 })),
      },
      { additionalProperties: false },
    ),
  ),
  // Other notations of numbers and truth, which the types here do not read.
  decimalChar: Type.Optional(Type.Literal('.')),
  groupChar: Type.Optional(Type.Never()),
  bareNumber: Type.Optional(Type.Literal(true)),
  trueValues: Type.Optional(Type.Never()),
  falseValues: Type.Optional(Type.Never()),
});
export type Field = Static<typeof FieldSchema>;

/** A column of a plain header row. */
export function namedColumn(name: string): Column {
  return {
    name,
    type: { words: 'a text', matches: () => true },
    isRequired: false,
    isUnique: false,
    field: undefined,
    faultOf: () => undefined,
    pattern: undefined,
  };
}

export interface ColumnContext {
  readonly pointer: string;
  readonly isKey: boolean;
  readonly maxProgramSize: number;
}

/** @throws BrokerError `schema-invalid` */
export function toColumn(field: Field, { pointer, isKey, maxProgramSize }: ColumnContext): Column {
  const { name, type = 'string', format = 'default', constraints = {} } = field;
  const known =
    format === 'default' ? columnTypes[type] : type === 'string' ? stringFormats[format] : undefined;
  if (!known) refuse(`${pointer}/format`, 'is not a format that is supported here; use default');
  const checks = [
    ...lengthChecks(constraints),
    ...boundChecks(constraints, known, `${pointer}/constraints`),
    ...enumChecks(constraints, known),
  ];
  return {
    name,
    type: known,
    isRequired: isKey || constraints.required === true,
    isUnique: constraints.unique === true,
    field,
    faultOf: (text) => checks.find(({ accepts }) => !accepts(text))?.message,
    pattern: readPattern(constraints, `${pointer}/constraints`, maxProgramSize),
  };
}

type Constraints = NonNullable<Field['constraints']>;
interface CellCheck {
  readonly accepts: (text: string) => boolean;
  readonly message: string;
}

function lengthChecks({ minLength, maxLength }: Constraints): readonly CellCheck[] {
  const lengthOf = (text: string) => Array.from(text).length;
  return [
    ...(minLength === undefined
      ? []
      : [
          {
            accepts: (text: string) => lengthOf(text) >= minLength,
            message: `must have at least ${minLength} characters`,
          },
        ]),
    ...(maxLength === undefined
      ? []
      : [
          {
            accepts: (text: string) => lengthOf(text) <= maxLength,
            message: `must have at most ${maxLength} characters`,
          },
        ]),
  ];
}

function boundChecks(
  { minimum, maximum }: Constraints,
  type: ColumnType,
  pointer: string,
): readonly CellCheck[] {
  const { compare } = type;
  const bound = (value: Static<typeof Scalar> | undefined, name: string, sign: 1 | -1, words: string) => {
    if (value === undefined) return [];
    const limit = String(value);
    if (!compare || !type.matches(limit)) {
      refuse(`${pointer}/${name}`, `must be ${type.words}, of a type that has an order`);
    }
    const accepts = (text: string) => compare(text, limit) * sign >= 0;
    return [{ accepts, message: `must be at ${words} ${limit}` }];
  };
  return [...bound(minimum, 'minimum', 1, 'least'), ...bound(maximum, 'maximum', -1, 'most')];
}

function readPattern(
  { pattern }: Constraints,
  pointer: string,
  maxProgramSize: number,
): LinearPattern | undefined {
  if (pattern === undefined) return undefined;
  try {
    return linearPattern(`^(?:${pattern})$`, maxProgramSize);
  } catch {
    refuse(`${pointer}/pattern`, 'must be a pattern that RE2 accepts: no look-around, no back references');
  }
}

/**
 * Whether a cell matches the pattern of its column, if it has one.
 * @param matches how that is found out
 */
export function fitsPattern(
  { pattern }: Column,
  text: string,
  matches = (compiled: LinearPattern, cell: string) => compiled.test(cell),
): boolean {
  return pattern === undefined || (text.length <= maxMatchedLength && matches(pattern, text));
}

function enumChecks({ enum: values }: Constraints, type: ColumnType): readonly CellCheck[] {
  if (!values) return [];
  const canonical = (text: string) => (type.canonical && type.matches(text) ? type.canonical(text) : text);
  const allowed = new Set(values.map((value) => canonical(String(value))));
  const accepts = (text: string) => allowed.has(canonical(text));
  return [{ accepts, message: 'must be one of the values of its column' }];
}
