// Compares what two versions say of tables, column by column: names in their order, types, constraints, what stands
// for no value, and what must not repeat.

import { type CellClaim, claimsOfCells } from './cell-claims';
import { cellExamples } from './cell-examples';
import {
  accepting,
  type Comparison,
  confirm,
  type Direction,
  type Finding,
  refusing,
  together,
  type Unproven,
  type Validators,
} from './comparison';

/** A column as both sides see it. All values are texts, as they stand in cells. */
export interface ComparedColumn {
  readonly name: string;
  /** Type and format, such as `string` and `string:email`. */
  readonly typeName: string;
  readonly isRequired: boolean;
  readonly isUnique: boolean;
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly minimum: string | undefined;
  readonly maximum: string | undefined;
  readonly pattern: string | undefined;
  readonly values: readonly string[] | undefined;
  /** Whether a cell that stands for a value is of the type and keeps to the constraints. */
  readonly accepts: (text: string) => boolean;
  /** Orders two texts of the type, where it has an order. */
  readonly compare: ((left: string, right: string) => number) | undefined;
  /** One text for all notations of a value; undefined: every text is a value of its own. */
  readonly canonical: ((text: string) => string) | undefined;
}

export interface ComparedTable {
  readonly columns: readonly ComparedColumn[];
  readonly missingValues: ReadonlySet<string>;
  readonly keyColumns: readonly number[];
  /** Rows as a document; undefined when the format cannot hold them. */
  readonly print: (rows: readonly (readonly string[])[]) => string | undefined;
}

export interface TablePair {
  readonly oldTable: ComparedTable;
  readonly newTable: ComparedTable;
  readonly directions: readonly Direction[];
}

export function compareTables(
  { oldTable, newTable, directions }: TablePair,
  validators: Validators,
): Comparison {
  return together(
    directions.map((direction) => {
      const tables = { old: oldTable, new: newTable };
      const [assumed, goal] = [tables[accepting(direction)], tables[refusing(direction)]];
      return compareOneWay(assumed, goal, direction, validators);
    }),
  );
}

function compareOneWay(
  assumed: ComparedTable,
  goal: ComparedTable,
  direction: Direction,
  validators: Validators,
): Comparison {
  const findings: Finding[] = [];
  const unproven: Unproven[] = [];
  for (const { pointer, tables } of gapsOf(assumed, goal)) {
    const finding = firstOf(tables, (rows) => {
      const document = assumed.print(rows);
      return document === undefined ? undefined : confirm(document, direction, validators, pointer);
    });
    if (finding) findings.push(finding);
    else {
      const reason = `It is not proven that the ${refusing(direction)} version accepts all of these cells, and none was found that it refuses.`;
      unproven.push({ pointer, reason });
    }
  }
  const verdict = findings.length > 0 ? 'incompatible' : unproven.length > 0 ? 'unknown' : 'compatible';
  return { verdict, findings, unproven: verdict === 'unknown' ? unproven : [] };
}

type Rows = readonly (readonly string[])[];

/** What is not proven, with tables that may show it. */
interface TableGap {
  readonly pointer: string;
  readonly tables: readonly Rows[];
}

function gapsOf(assumed: ComparedTable, goal: ComparedTable): readonly TableGap[] {
  const names = assumed.columns.map(({ name }) => name);
  const wanted = goal.columns.map(({ name }) => name);
  const length = Math.max(names.length, wanted.length);
  const different = Array.from({ length }, (_, index) => index).find(
    (index) => names[index] !== wanted[index],
  );
  // The rows of one are no rows of the other.
  if (different !== undefined) return [{ pointer: `/fields/${different}/name`, tables: [[names]] }];
  const claims = assumed.columns.flatMap((column, index) => {
    const other = goal.columns[index];
    return other ? claimsOfCells(column, other, assumed, goal).map((claim) => ({ index, ...claim })) : [];
  });
  return [...claims.map(({ index, ...claim }) => cellGap(assumed, index, claim)), ...keyGap(assumed, goal)];
}

function cellGap(assumed: ComparedTable, index: number, claim: CellClaim): TableGap {
  const tables = claim.cells.flatMap((cell): readonly Rows[] => {
    const first = rowOf(assumed, 0, index, cell);
    const second = claim.isRepeated ? rowOf(assumed, 1, index, cell) : undefined;
    if (!first || (claim.isRepeated && !second)) return [];
    return [[assumed.columns.map(({ name }) => name), first, ...(second ? [second] : [])]];
  });
  return { pointer: `/fields/${index}/${claim.keyword}`.replace(/\/$/, ''), tables };
}

function keyGap(assumed: ComparedTable, goal: ComparedTable): readonly TableGap[] {
  const { keyColumns } = goal;
  if (keyColumns.length === 0) return [];
  const isKnown =
    (assumed.keyColumns.length > 0 && assumed.keyColumns.every((index) => keyColumns.includes(index))) ||
    keyColumns.some((index) => assumed.columns[index]?.isUnique && assumed.columns[index].isRequired);
  if (isKnown) return [];
  const first = rowOf(assumed, 0);
  const second = rowOf(assumed, 1);
  const names = assumed.columns.map(({ name }) => name);
  if (!first || !second) return [{ pointer: '/primaryKey', tables: [] }];
  const same = second.map((cell, index) => (keyColumns.includes(index) ? (first[index] ?? cell) : cell));
  return [{ pointer: '/primaryKey', tables: [[names, first, same]] }];
}

/** A row that the table should accept, another one for each number; with one cell given. */
function rowOf(table: ComparedTable, number: number, given = -1, text = ''): readonly string[] | undefined {
  const row = table.columns.map((column, index) => {
    if (index === given) return text;
    const cells = cellExamples(column, column).filter(
      (cell) => !table.missingValues.has(cell) && column.accepts(cell),
    );
    const missing = column.isRequired ? undefined : [...table.missingValues][0];
    return (
      cells[number] ?? (column.isUnique || table.keyColumns.includes(index) ? missing : (cells[0] ?? missing))
    );
  });
  return row.includes(undefined) ? undefined : row.map((cell) => cell ?? '');
}

function firstOf<Item, Result>(
  items: readonly Item[],
  find: (item: Item) => Result | undefined,
): Result | undefined {
  for (const item of items) {
    const result = find(item);
    if (result !== undefined) return result;
  }
  return undefined;
}
