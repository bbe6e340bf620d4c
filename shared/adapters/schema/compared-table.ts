// A table as the comparison of versions sees it.

import type { ComparedColumn, ComparedTable } from '../../topics/compatibility';
import { type Column, fitsPattern } from './table-column';
import type { Table } from './table-schema';

export function toComparedTable({ format, columns, missingValues, keyColumns }: Table): ComparedTable {
  return {
    columns: columns.map(toComparedColumn),
    missingValues,
    keyColumns,
    print: format === 'CSV' ? printCsv : printTsv,
  };
}

function toComparedColumn(column: Column): ComparedColumn {
  const { name, type, isRequired, isUnique, field, faultOf } = column;
  const { type: typeName = 'string', format = 'default', constraints = {} } = field ?? {};
  const print = (value: string | number | boolean | undefined) =>
    value === undefined ? undefined : String(value);
  return {
    name,
    typeName: format === 'default' ? typeName : `${typeName}:${format}`,
    isRequired,
    isUnique,
    minLength: constraints.minLength,
    maxLength: constraints.maxLength,
    minimum: print(constraints.minimum),
    maximum: print(constraints.maximum),
    pattern: constraints.pattern,
    values: constraints.enum?.map(String),
    accepts: (text) => type.matches(text) && faultOf(text) === undefined && fitsPattern(column, text),
    compare: type.compare,
    canonical: type.canonical && ((text) => (type.matches(text) ? (type.canonical?.(text) ?? text) : text)),
  };
}

type Rows = readonly (readonly string[])[];

function printCsv(rows: Rows): string {
  const cell = (text: string) => (/[",\r\n]|^\ufeff/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => `${printRow(row.map(cell), ',')}\n`).join('');
}

function printTsv(rows: Rows): string | undefined {
  if (rows.flat().some((text) => /[\t\r\n]/.test(text))) return undefined;
  return rows.map((row) => `${printRow(row, '\t')}\n`).join('');
}

/** A row of one empty cell would be no row at all. */
function printRow(cells: readonly string[], separator: string): string {
  return cells.length === 1 && cells[0] === '' && separator === ',' ? '""' : cells.join(separator);
}
