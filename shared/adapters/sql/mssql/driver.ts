// Kysely driver over the pool of mssql, which is loaded and connected at the first query. Kysely's own SQL Server
// driver needs tedious and a pool of its own; this project names mssql.

import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type * as MssqlModule from 'mssql';
import type { config as PoolConfig, ConnectionPool, ISqlType, Request, Transaction } from 'mssql';

type Mssql = typeof MssqlModule;

/** Where the server is and who asks: the identity of the app in Azure, a SQL login elsewhere. */
export type MssqlTarget =
  | { readonly kind: 'entra'; readonly server: string; readonly database: string; readonly clientId?: string }
  | { readonly kind: 'connection-string'; readonly connectionString: string };

/** An instance needs few connections: topics are administered rarely, and the message path does not ask SQL. */
const maxConnections = 4;
const connectTimeoutMs = 10_000;
/** Also the longest wait of a migration for its lock, less than the gateway's patience of 60 s. */
const requestTimeoutMs = 30_000;
const idleMs = 60_000;
/** Who tries again, and when, is decided in one place: the store tells the caller to come again. */
const options = { maxRetriesOnTransientErrors: 0, appName: 'ddhub-message-broker' };

export class MssqlDriver implements Driver {
  readonly #target: MssqlTarget;
  #mssql: Mssql | undefined;
  #pool: ConnectionPool | undefined;

  constructor(target: MssqlTarget) {
    this.#target = target;
  }

  /** Kysely calls it before the first query, and again after it has failed. */
  async init(): Promise<void> {
    const { default: mssql } = (await import('mssql')) as unknown as { default: Mssql };
    const pool = new mssql.ConnectionPool(poolConfig(mssql, this.#target));
    // Without a listener a connection that dies while idle would end the process; the pool replaces it.
    pool.on('error', () => undefined);
    await pool.connect();
    this.#mssql = mssql;
    this.#pool = pool;
  }

  /** Outside a transaction each statement borrows a connection of its own; nothing here keeps session state. */
  acquireConnection(): Promise<DatabaseConnection> {
    if (!this.#mssql || !this.#pool) throw new Error('the SQL Server driver is not open');
    return Promise.resolve(new MssqlConnection(this.#mssql, this.#pool));
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).rollback();
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
  }
}

/** Name of the nth parameter of a statement, from 1. */
export function parameterName(number: number): string {
  return `p${number}`;
}

function ours(connection: DatabaseConnection): MssqlConnection {
  if (connection instanceof MssqlConnection) return connection;
  throw new Error('a connection of another driver');
}

class MssqlConnection implements DatabaseConnection {
  readonly #mssql: Mssql;
  readonly #pool: ConnectionPool;
  #transaction: Transaction | undefined;
  #wasAborted = false;

  constructor(mssql: Mssql, pool: ConnectionPool) {
    this.#mssql = mssql;
    this.#pool = pool;
  }

  async begin(): Promise<void> {
    const transaction = new this.#mssql.Transaction(this.#pool);
    transaction.on('rollback', (aborted: boolean) => {
      this.#wasAborted = aborted;
    });
    await transaction.begin();
    this.#transaction = transaction;
  }

  async commit(): Promise<void> {
    const transaction = this.#end();
    await transaction?.commit();
  }

  async rollback(): Promise<void> {
    const transaction = this.#end();
    // After some errors the server has rolled back by itself, and a second rollback would be an error.
    if (!this.#wasAborted) await transaction?.rollback();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const request = this.#transaction
      ? new this.#mssql.Request(this.#transaction)
      : new this.#mssql.Request(this.#pool);
    query.parameters.forEach((value, index) => bind(this.#mssql, request, parameterName(index + 1), value));
    const result = await request.query<Row>(query.sql);
    const rows = (result.recordset as Row[] | undefined) ?? [];
    return { numAffectedRows: BigInt(result.rowsAffected[0] ?? 0), rows };
  }

  streamQuery(): never {
    throw new Error('the store reads bounded pages and does not stream');
  }

  #end(): Transaction | undefined {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    return transaction;
  }
}

/**
 * Types and lengths do not follow the value, so that a statement has one plan whatever it is asked: all text
 * columns are nvarchar, all numbers bigint. Null does not tell of which column it is; columns of both kinds take it.
 */
function bind(mssql: Mssql, request: Request, name: string, value: unknown): void {
  request.input(name, parameterType(mssql, value), value);
}

const maxInlineText = 4_000;

function parameterType(mssql: Mssql, value: unknown): ISqlType | (() => ISqlType) {
  // As text: most that is null is an option of a topic that nobody has chosen. SQL Server makes it a bigint itself.
  if (value === null) return mssql.NVarChar(maxInlineText);
  if (typeof value === 'string') {
    return mssql.NVarChar(value.length <= maxInlineText ? maxInlineText : mssql.MAX);
  }
  if (typeof value === 'number') return mssql.BigInt;
  throw new TypeError(`no SQL type for a ${typeof value}`);
}

function poolConfig(mssql: Mssql, target: MssqlTarget): PoolConfig {
  const common = {
    pool: { max: maxConnections, min: 0, idleTimeoutMillis: idleMs, acquireTimeoutMillis: connectTimeoutMs },
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    // A look at the socket instead of a query before each use; what it misses is tried again by the store.
    validateConnection: 'socket',
  } as const;
  if (target.kind === 'connection-string') {
    const parsed = mssql.ConnectionPool.parseConnectionString(target.connectionString);
    return { ...parsed, ...common, options: { ...parsed.options, ...options } };
  }
  return {
    ...common,
    server: target.server,
    database: target.database,
    options: { ...options, encrypt: true },
    authentication: {
      type: 'azure-active-directory-default',
      options: target.clientId === undefined ? {} : { clientId: target.clientId },
    },
  };
}
