// Which migrations a database has run, and what that means for this program.

import type { Kysely } from 'kysely';
import { DEFAULT_MIGRATION_TABLE } from 'kysely/migration';
import { migrationNames } from './migrations';
import type { Tables } from './tables';

/** Names of the migrations that a database has run; none when it was never migrated. */
export async function executedMigrations(database: Kysely<Tables>): Promise<readonly string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE)) return [];
  const rows = await database.selectFrom('kysely_migration').select('name').execute();
  return rows.map(({ name }) => name);
}

/**
 * What to do when a database's tables are not those of a program, as a sentence for the operator; undefined when
 * they are.
 */
export function describeMismatch(
  executed: readonly string[],
  known: readonly string[] = migrationNames,
): string | undefined {
  const newer = executed.find((name) => !known.includes(name));
  if (newer !== undefined) {
    return `The topic store was migrated by a newer program (${newer}): deploy that program, or a later one.`;
  }
  const missing = known.find((name) => !executed.includes(name));
  return missing === undefined
    ? undefined
    : `The topic store is not migrated (${missing} is missing): run npm run migrate.`;
}

/** Only the mismatch that no migration of this program mends. */
export function describeNewer(executed: readonly string[]): string | undefined {
  return executed.every((name) => migrationNames.includes(name)) ? undefined : describeMismatch(executed);
}
