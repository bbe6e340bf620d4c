// Checks a table against its columns while the rows pass by.

import { createHash } from 'node:crypto';
import type { Fault } from '../../broker-error';
import type { ContentCheck } from '../../topics/content-check';
import { DelimitedTextReader, type Place } from './delimited-text';
import { maxFaultLength, maxFaults, schemaViolation } from './schema-faults';
import { type Column, printPlace, type Table } from './table-schema';

/** Values that can be told apart in a unique column or key: what makes memory grow with the rows. */
const maxUniqueValues = 100_000;

/** Rows of text against a table; `write` and `end` throw BrokerError `schema-violation`. */
export class TableCheck {
  readonly #table: Table;
  readonly #maxFaults: number;
  readonly #reader: DelimitedTextReader;
  readonly #faults: Fault[] = [];
  /** By column; -1 is the primary key. */
  readonly #seen = new Map<number, Set<string>>();
  #key: string[] = [];
  #rows = 0;

  /** @param faultLimit faults after which reading stops */
  constructor(table: Table, faultLimit = maxFaults) {
    this.#table = table;
    this.#maxFaults = faultLimit;
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
    const isMissing = this.#table.missingValues.has(text);
    if (this.#table.keyColumns.includes(index)) this.#key.push(text);
    const message = isMissing
      ? column.isRequired
        ? 'must have a value'
        : undefined
      : (faultOf(column, text) ?? (column.isUnique ? this.#repetition(index, text) : undefined));
    if (message !== undefined) this.#fault(fieldOf(place, column), message);
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

function faultOf({ type, faultOf: constraintFault }: Column, text: string): string | undefined {
  return type.matches(text) ? constraintFault(text) : `must be ${type.words}`;
}

function fieldOf(place: Place, { name }: Column): string {
  return `${printPlace(place)} (${name})`.slice(0, maxFaultLength);
}

/** The same for the bytes of a file; ends at the first fault. */
export class TableContentCheck implements ContentCheck {
  readonly #check: TableCheck;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(table: Table) {
    this.#check = new TableCheck(table, 1);
  }

  write(chunk: Uint8Array): void {
    this.#check.write(this.#decode(chunk, true));
  }

  end(): void {
    this.#check.write(this.#decode(undefined, false));
    this.#check.end();
  }

  #decode(chunk: Uint8Array | undefined, stream: boolean): string {
    try {
      return this.#decoder.decode(chunk, { stream });
    } catch (error) {
      throw schemaViolation([{ field: '', message: 'must be UTF-8' }], error);
    }
  }
}
