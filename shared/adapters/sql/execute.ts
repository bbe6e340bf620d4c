// Statements of an operator, such as the making of a database user, one after the other.

import { Kysely, sql } from 'kysely';
import type { SqlBackend } from './backend';

/** Executes them on a connection of its own, which it closes. @throws the database's own error */
export async function executeStatements(backend: SqlBackend, statements: readonly string[]): Promise<void> {
  const database = new Kysely({ dialect: backend.dialect });
  try {
    for (const statement of statements) await sql.raw(statement).execute(database);
  } finally {
    await database.destroy();
  }
}
