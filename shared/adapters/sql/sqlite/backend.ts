// SQLite through node:sqlite: the local stand-in for Azure SQL.

import { sql } from 'kysely';
import type { SqlBackend } from '../backend';
import { SqliteDialect } from './dialect';
import { sqliteFaultOf } from './faults';

/** @param file path of the database, made at the first use; its folder exists */
export function sqliteBackend(file: string): SqlBackend {
  return {
    name: 'sqlite',
    dialect: new SqliteDialect(file),
    // Texts compare byte for byte by default (collation BINARY), and lengths are not looked at.
    columns: { text: () => 'text', longText: 'text', integer: 'integer' },
    paging: 'limit',
    contains: (column, text) => sql`instr(${column}, ${text}) > 0`,
    faultOf: sqliteFaultOf,
    // Every transaction begins with the write lock.
    lockStatement: undefined,
  };
}
