// Kysely's SQL Server dialect on our driver.

import {
  type Dialect,
  type DatabaseIntrospector,
  type Driver,
  type Kysely,
  MssqlAdapter,
  MssqlQueryCompiler,
  type QueryCompiler,
  type SchemaMetadata,
  sql,
  type TableMetadata,
} from 'kysely';
import { MssqlDriver, type MssqlTarget, parameterName } from './driver';

/** Migrations run inside one transaction that has taken its own lock, so Kysely's session lock is not needed. */
class LockedMssqlAdapter extends MssqlAdapter {
  override acquireMigrationLock(): Promise<void> {
    return Promise.resolve();
  }

  override releaseMigrationLock(): Promise<void> {
    return Promise.resolve();
  }
}

/** Parameters named `@p1` and on: a bare number after `@` is not a name to every server that speaks T-SQL. */
class NamedParameterCompiler extends MssqlQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return `@${parameterName(this.numParameters)}`;
  }
}

/** Names of tables from the standard's own views: all that the migrator asks for, and every server has them. */
class TableNames implements DatabaseIntrospector {
  readonly #database: Kysely<unknown>;

  constructor(database: Kysely<unknown>) {
    this.#database = database;
  }

  getSchemas(): Promise<SchemaMetadata[]> {
    return Promise.resolve([]);
  }

  async getTables(): Promise<TableMetadata[]> {
    const { rows } = await sql<{ name: string; schema: string }>`
      select TABLE_NAME as [name], TABLE_SCHEMA as [schema] from INFORMATION_SCHEMA.TABLES
    `.execute(this.#database);
    return rows.map(({ name, schema }) => ({ name, schema, isView: false, isForeign: false, columns: [] }));
  }
}

export class MssqlDialect implements Dialect {
  readonly #target: MssqlTarget;

  constructor(target: MssqlTarget) {
    this.#target = target;
  }

  createDriver(): Driver {
    return new MssqlDriver(this.#target);
  }

  createQueryCompiler(): QueryCompiler {
    return new NamedParameterCompiler();
  }

  createAdapter(): MssqlAdapter {
    return new LockedMssqlAdapter();
  }

  createIntrospector(database: Kysely<unknown>): DatabaseIntrospector {
    return new TableNames(database);
  }
}
