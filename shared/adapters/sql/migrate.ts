// Brings the tables of a database to this program's form: a step of its own, never taken when a function starts.
// One transaction with a lock holds all of it, so any number of migrators may run at once.

import { Kysely, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { SqlBackend } from './backend';
import { migrationsOf } from './migrations';
import { describeNewer, executedMigrations } from './schema-version';
import type { Tables } from './tables';

/**
 * Runs what is missing and closes the connection.
 * @returns the names of the migrations that ran, none when there was nothing to do
 * @throws Error with a sentence for the operator, and the database's own error as cause
 */
export async function migrate(backend: SqlBackend): Promise<readonly string[]> {
  const database = new Kysely<Tables>({ dialect: backend.dialect });
  try {
    return await database.transaction().execute(async (transaction) => {
      await lock(transaction, backend);
      const newer = describeNewer(await executedMigrations(transaction));
      if (newer !== undefined) throw new Error(newer);
      const migrations = migrationsOf(backend);
      const migrator = new Migrator({
        db: transaction,
        provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
      });
      const { error, results = [] } = await migrator.migrateToLatest();
      if (error !== undefined) {
        throw new Error('The migration failed, and nothing of it was kept.', { cause: error });
      }
      return results.map(({ migrationName }) => migrationName);
    });
  } finally {
    await database.destroy();
  }
}

async function lock(transaction: Transaction<Tables>, { lockStatement }: SqlBackend): Promise<void> {
  if (lockStatement === undefined) return;
  const { rows } = await sql<{ result: number }>`${sql.raw(lockStatement)}`.execute(transaction);
  if ((rows[0]?.result ?? -1) < 0) {
    throw new Error('Another migration holds the lock: wait until it has ended and run this one again.');
  }
}
