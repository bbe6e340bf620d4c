// Checks a table against its columns while the rows pass by.

import { createHash } from 'node:crypto';
import type { Fault } from '../../broker-error';
import { DelimitedTextReader, type Place } from './delimited-text';
import type { LinearPattern } from './linear-pattern';
import { maxFaultLength, maxFaults as mostFaults, schemaViolation } from './schema-faults';
import { type Column, fitsPattern } from './table-column';
import { printPlace, type Table } from './table-schema';

/** Values that can be told apart in a unique column or key: what makes memory grow with the rows. */
const maxUniqueValues = 100_000;

/** A cell that has still to be held against the pattern of its column. */
export interface CellToMatch {
  readonly pattern: LinearPattern;
  readonly text: string;
  /** What is to be said when it does not match. */
  readonly fault: Fault;
}

export interface TableCheckOptions {
  /** Faults after which reading stops. */
  readonly maxFaults?: number;
  /** How a cell is held against a pattern; one that is to be matched elsewhere is accepted here. */
  readonly matches?: (cell: CellToMatch) => boolean;
}

/** Rows of text against a table; `write` and `end` throw BrokerError `schema-violation`. */
export class TableCheck {
  readonly #table: Table;
  readonly #maxFaults: number;
  readonly #matches: (cell: CellToMatch) => boolean;
  readonly #reader: DelimitedTextReader;
  readonly #faults: Fault[] = [];
  /** By column; -1 is the primary key. */
  readonly #seen = new Map<number, Set<string>>();
  #key: string[] = [];
  #rows = 0;

  constructor(table: Table, { maxFaults = mostFaults, matches = matchAtOnce }: TableCheckOptions = {}) {
    this.#table = table;
    this.#maxFaults = maxFaults;
    this.#matches = matches;
    this.#reader = new DelimitedTextReader(table.format, {
      cell: (text, place) => this.#cell(text, place),
      rowEnd: (row, columns) => this.#rowEnd(row, columns),
      malformed: (message, place) => this.#stop({ field: printPlace(place), message }),
    });
  }

  write(text: string): void {
    this.#reader.write(text);
  }

  end(): void {
    this.#reader.end();
    if (this.#rows === 0 && this.#faults.length === 0) {
      this.#stop({ field: 'row 1', message: 'must be the header row' });
    }
    if (this.#faults.length > 0) throw schemaViolation(this.#faults);
  }

  #cell(text: string, place: Place): void {
    const index = place.column - 1;
    const column = this.#table.columns[index];
    if (!column) {
      this.#stop({
        field: printPlace(place),
        message: `must not be there: rows have ${this.#width} columns`,
      });
    }
    if (place.row === 1) {
      if (text !== column.name) {
        this.#stop({ field: printPlace(place), message: 'must be the name of this column in the schema' });
      }
      return;
    }
    if (this.#table.keyColumns.includes(index)) this.#key.push(text);
    const message = this.#messageOf(column, text, place);
    if (message !== undefined) this.#fault(fieldOf(place, column), message);
  }

  /** What is wrong with a cell; undefined when nothing is. */
  #messageOf(column: Column, text: string, place: Place): string | undefined {
    if (this.#table.missingValues.has(text)) return column.isRequired ? 'must have a value' : undefined;
    if (!column.type.matches(text)) return `must be ${column.type.words}`;
    const message = column.faultOf(text);
    if (message !== undefined) return message;
    const matches = (pattern: LinearPattern) =>
      this.#matches({ pattern, text, fault: { field: fieldOf(place, column), message: unmatched } });
    if (!fitsPattern(column, text, matches)) return unmatched;
    return column.isUnique ? this.#repetition(place.column - 1, text) : undefined;
  }

  #rowEnd(row: number, columns: number): void {
    this.#rows = row;
    if (columns < this.#width) {
      this.#stop({ field: `row ${row}`, message: `must have ${this.#width} columns, has ${columns}` });
    }
    if (row > 1 && this.#key.length > 0) {
      const message = this.#repetition(-1, JSON.stringify(this.#key));
      if (message !== undefined) this.#fault(`row ${row}`, message);
    }
    this.#key = [];
  }

  get #width(): number {
    return this.#table.columns.length;
  }

  #repetition(index: number, text: string): string | undefined {
    const seen = this.#seen.get(index) ?? new Set<string>();
    this.#seen.set(index, seen);
    const value = text.length <= 32 ? text : createHash('sha256').update(text).digest('base64');
    if (seen.has(value)) return 'must not repeat an earlier row';
    if (seen.size >= maxUniqueValues) return `must be among the first ${maxUniqueValues} different values`;
    seen.add(value);
    return undefined;
  }

  #fault(field: string, message: string): void {
    this.#faults.push({ field, message });
    if (this.#faults.length >= this.#maxFaults) throw schemaViolation(this.#faults);
  }

  /** What follows could not be told from what is meant. */
  #stop(fault: Fault): never {
    throw schemaViolation([...this.#faults, fault]);
  }
}

const unmatched = 'must match the pattern of its column';

function matchAtOnce({ pattern, text }: CellToMatch): boolean {
  return pattern.test(text);
}

function fieldOf(place: Place, { name }: Column): string {
  return `${printPlace(place)} (${name})`.slice(0, maxFaultLength);
}
