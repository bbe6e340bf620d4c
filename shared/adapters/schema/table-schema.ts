// What a topic of type CSV or TSV says of its tables: a Table Schema (Frictionless, JSON) or a plain header row.
// What could not be checked while rows stream by is refused here, and never overlooked later.

import { type Static, Type } from '@sinclair/typebox';
import Ajv from 'ajv';
import { setImmediate } from 'node:timers/promises';
import { columnTypes, type ColumnType, stringFormats } from './column-types';
import { DelimitedTextReader, type Place } from './delimited-text';
import { linearPattern } from './linear-pattern';
import { schemaInvalid } from './schema-faults';

/** Longest cell that is held against a pattern, in characters. */
const maxMatchedLength = 16_384;
/** Time after which others are served. */
const sliceMs = 10;
/** Most columns of a table. */
const maxColumns = 2_000;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly isRequired: boolean;
  /** Whether no value may stand in it twice. */
  readonly isUnique: boolean;
  /** The Table Schema's description of the field; undefined for a column of a plain header row. */
  readonly field: Field | undefined;
  /** What is wrong with a cell of the right type; undefined when nothing is. */
  readonly faultOf: (text: string) => string | undefined;
}

export interface Table {
  readonly format: 'CSV' | 'TSV';
  readonly columns: readonly Column[];
  /** Texts that stand for no value. */
  readonly missingValues: ReadonlySet<string>;
  /** Indexes of the columns whose values together name a row; empty when none do. */
  readonly keyColumns: readonly number[];
}

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
const FieldSchema = Type.Object({
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

const TableSchema = Type.Object({
  fields: Type.Array(FieldSchema, { minItems: 1, maxItems: maxColumns }),
  fieldsMatch: Type.Optional(Type.Literal('exact')),
  missingValues: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  primaryKey: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])),
  // Other tables are out of reach.
  foreignKeys: Type.Optional(Type.Never()),
});

let check: ReturnType<Ajv['compile']> | undefined;

/**
 * @param look called before each column, whose pattern may take a millisecond; ends the reading by throwing
 * @throws BrokerError `schema-invalid`, with a JSON pointer or row and column for each fault
 */
export function readTable(
  format: 'CSV' | 'TSV',
  schemaText: string,
  look: () => void = () => undefined,
): Table {
  if (!isTableSchema(schemaText)) return readHeaderRow(format, schemaText);
  const draft = readTableSchema(schemaText);
  const columns = draft.fields.map((_, index) => {
    look();
    return columnOf(draft, index);
  });
  return toTable(format, draft, columns);
}

/** The same in slices of some milliseconds, between which others are served. @throws BrokerError `schema-invalid` */
export async function readTableInSlices(format: 'CSV' | 'TSV', schemaText: string): Promise<Table> {
  if (!isTableSchema(schemaText)) return readHeaderRow(format, schemaText);
  const draft = readTableSchema(schemaText);
  const columns: Column[] = [];
  await setImmediate();
  let sliceEndsAt = performance.now() + sliceMs;
  for (const index of draft.fields.keys()) {
    if (performance.now() > sliceEndsAt) {
      await setImmediate();
      sliceEndsAt = performance.now() + sliceMs;
    }
    columns.push(columnOf(draft, index));
  }
  return toTable(format, draft, columns);
}

function isTableSchema(text: string): boolean {
  return text.trimStart().startsWith('{');
}

/** How a place is told to people. */
export function printPlace({ row, column }: Place): string {
  return `row ${row}, column ${column}`;
}

function readHeaderRow(format: 'CSV' | 'TSV', text: string): Table {
  const names = new Set<string>();
  const refuseAt = (message: string, place: Place) => refuse(printPlace(place), message);
  const reader = new DelimitedTextReader(format, {
    cell: (cell, place) => {
      if (place.row > 1) refuseAt('must not be there: the schema is one header row', place);
      if (cell.trim() === '') refuseAt('must have a name', place);
      if (names.has(cell)) refuseAt('must not repeat a name', place);
      if (place.column > maxColumns) refuseAt(`must be among the first ${maxColumns} columns`, place);
      names.add(cell);
    },
    rowEnd: () => undefined,
    malformed: refuseAt,
  });
  reader.write(text);
  reader.end();
  if (names.size === 0) refuse('row 1', 'must be a header row or a Table Schema');
  const columns = Array.from(names, (name): Column => ({
    name,
    type: anyText,
    isRequired: false,
    isUnique: false,
    field: undefined,
    faultOf: () => undefined,
  }));
  return { format, columns, missingValues: new Set(['']), keyColumns: [] };
}

interface TableDraft {
  readonly fields: readonly Field[];
  readonly missingValues: readonly string[];
  readonly keyColumns: readonly number[];
}

function readTableSchema(text: string): TableDraft {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw schemaInvalid([{ field: '', message: 'must be JSON when it begins with {' }], error);
  }
  check ??= new Ajv({ allErrors: false }).compile(TableSchema);
  if (!check(value)) {
    const [{ instancePath, message } = { instancePath: '', message: undefined }] = check.errors ?? [];
    throw schemaInvalid([{ field: instancePath, message: describe(instancePath, message) }]);
  }
  const { fields, missingValues = [''], primaryKey = [] } = value as Static<typeof TableSchema>;
  const names = fields.map(({ name }) => name);
  names.forEach((name, index) => {
    if (names.indexOf(name) < index) refuse(`/fields/${index}/name`, 'must not repeat a name');
  });
  const keyColumns = [primaryKey].flat().map((name) => names.indexOf(name));
  if (keyColumns.includes(-1)) refuse('/primaryKey', 'must name fields');
  return { fields, missingValues, keyColumns };
}

function columnOf({ fields, keyColumns }: TableDraft, index: number): Column {
  const field = fields[index];
  if (!field) throw new Error('there is no such field');
  return toColumn(field, `/fields/${index}`, keyColumns.includes(index));
}

function toTable(format: 'CSV' | 'TSV', draft: TableDraft, columns: readonly Column[]): Table {
  const { missingValues, keyColumns } = draft;
  return { format, columns, missingValues: new Set(missingValues), keyColumns };
}

/** Names of what is known and yet not supported. */
function describe(pointer: string, message = 'is not valid'): string {
  const keyword = /\/(fieldsMatch|foreignKeys|decimalChar|groupChar|bareNumber|trueValues|falseValues)$/.exec(
    pointer,
  );
  return keyword ? 'is not supported here' : message;
}

const anyText: ColumnType = { words: 'a text', matches: () => true };

function toColumn(field: Field, pointer: string, isKey: boolean): Column {
  const { name, type = 'string', format = 'default', constraints = {} } = field;
  const known =
    format === 'default' ? columnTypes[type] : type === 'string' ? stringFormats[format] : undefined;
  if (!known) refuse(`${pointer}/format`, 'is not a format that is supported here; use default');
  const checks = [
    ...lengthChecks(constraints),
    ...boundChecks(constraints, known, `${pointer}/constraints`),
    ...patternChecks(constraints, `${pointer}/constraints`),
    ...enumChecks(constraints, known),
  ];
  return {
    name,
    type: known,
    isRequired: isKey || constraints.required === true,
    isUnique: constraints.unique === true,
    field,
    faultOf: (text) => checks.find(({ accepts }) => !accepts(text))?.message,
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

function patternChecks({ pattern }: Constraints, pointer: string): readonly CellCheck[] {
  if (pattern === undefined) return [];
  try {
    const compiled = linearPattern(`^(?:${pattern})$`);
    return [
      {
        accepts: (text) => text.length <= maxMatchedLength && compiled.test(text),
        message: 'must match the pattern of its column',
      },
    ];
  } catch {
    refuse(`${pointer}/pattern`, 'must be a pattern that RE2 accepts: no look-around, no back references');
  }
}

function enumChecks({ enum: values }: Constraints, type: ColumnType): readonly CellCheck[] {
  if (!values) return [];
  const canonical = (text: string) => (type.canonical && type.matches(text) ? type.canonical(text) : text);
  const allowed = new Set(values.map((value) => canonical(String(value))));
  const accepts = (text: string) => allowed.has(canonical(text));
  return [{ accepts, message: 'must be one of the values of its column' }];
}

function refuse(field: string, message: string): never {
  throw schemaInvalid([{ field, message }]);
}
