// What a topic of type CSV or TSV says of its tables: a Table Schema (Frictionless, JSON) or a plain header row.
// What could not be checked while rows stream by is refused here, and never overlooked later.

import { type Static, Type } from '@sinclair/typebox';
import Ajv from 'ajv';
import { setImmediate } from 'node:timers/promises';
import { DelimitedTextReader, type Place } from './delimited-text';
import { widestProgramSize } from './linear-pattern';
import { refuseSchema as refuse, schemaInvalid } from './schema-faults';
import { type Column, type Field, FieldSchema, namedColumn, toColumn } from './table-column';

/** Time after which others are served. */
const sliceMs = 10;
/** Most columns of a table. */
const maxColumns = 2_000;

export interface Table {
  readonly format: 'CSV' | 'TSV';
  readonly columns: readonly Column[];
  /** Texts that stand for no value. */
  readonly missingValues: ReadonlySet<string>;
  /** Indexes of the columns whose values together name a row; empty when none do. */
  readonly keyColumns: readonly number[];
}

const TableSchema = Type.Object({
  fields: Type.Array(FieldSchema, { minItems: 1, maxItems: maxColumns }),
  fieldsMatch: Type.Optional(Type.Literal('exact')),
  missingValues: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
  primaryKey: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })])),
  // Other tables are out of reach.
  foreignKeys: Type.Optional(Type.Never()),
});

let check: ReturnType<Ajv['compile']> | undefined;

export interface TableLimits {
  /** Size of a pattern's automaton, in instructions. */
  readonly maxProgramSize: number;
  /** Called before each column, whose pattern may take a millisecond; ends the reading by throwing. */
  readonly look: () => void;
}

const widestTableLimits: TableLimits = { maxProgramSize: widestProgramSize, look: () => undefined };

/** @throws BrokerError `schema-invalid`, with a JSON pointer or row and column for each fault */
export function readTable(
  format: 'CSV' | 'TSV',
  schemaText: string,
  { maxProgramSize, look }: TableLimits = widestTableLimits,
): Table {
  if (!isTableSchema(schemaText)) return readHeaderRow(format, schemaText);
  const draft = readTableSchema(schemaText);
  const columns = draft.fields.map((_, index) => {
    look();
    return columnOf(draft, index, maxProgramSize);
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
    columns.push(columnOf(draft, index, widestProgramSize));
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
  const columns = Array.from(names, namedColumn);
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

function columnOf({ fields, keyColumns }: TableDraft, index: number, maxProgramSize: number): Column {
  const field = fields[index];
  if (!field) throw new Error('there is no such field');
  return toColumn(field, { pointer: `/fields/${index}`, isKey: keyColumns.includes(index), maxProgramSize });
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
