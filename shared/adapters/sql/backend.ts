// What differs between SQL backends, as data and one dialect; everything else in this folder is the same for all.
// Each backend is a folder with the same files: dialect.ts, driver.ts, faults.ts and backend.ts.

import type { Dialect, Expression, SqlBool } from 'kysely';

/** What a vendor's error means to the store. */
export type Fault =
  /** A unique index refused the row. */
  | 'unique-violation'
  /** Lost to somebody else, or on a connection that had died unnoticed: the same transaction may succeed at once. */
  | 'again-now'
  /** Not there for a while: the caller is told to come again. */
  | 'unavailable';

export interface ColumnTypes {
  /** Text of at most so many UTF-16 units, compared byte for byte. */
  readonly text: (maxLength: number) => string;
  readonly longText: string;
  readonly integer: string;
}

export interface SqlBackend {
  readonly name: 'sqlite' | 'mssql';
  /** Opens nothing before the first query. */
  readonly dialect: Dialect;
  readonly columns: ColumnTypes;
  /** How a stretch of ordered rows is asked for. */
  readonly paging: 'limit' | 'fetch';
  /** Whether a column contains a text, wildcards being plain characters. */
  readonly contains: (column: Expression<string>, text: string) => Expression<SqlBool>;
  /** The meaning of an error this backend threw; undefined is a fault of this program. */
  readonly faultOf: (error: unknown) => Fault | undefined;
  /** Waits for and takes the lock of migrations until the transaction ends. */
  readonly lockStatement: string | undefined;
}
