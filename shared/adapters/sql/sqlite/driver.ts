// Kysely driver over node:sqlite: one connection, used by one transaction at a time (Kysely queues). Statements
// run synchronously on the event loop, which is right for a local stand-in whose statements take microseconds.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult } from 'kysely';
import { isBusy } from './faults';

/** Waiting for another process's transaction: tries every few ms without blocking the event loop, so long. */
const busyWaitMs = 10_000;
/** SQLite's own, blocking wait; only for what cannot be retried from outside, such as recovery after a crash. */
const blockingWaitMs = 20;
/** Compiled statements kept; the store has a few dozen. */
const maxStatements = 200;

export class SqliteDriver implements Driver {
  readonly #file: string;
  #connection: SqliteConnection | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async init(): Promise<void> {
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(this.#file, { timeout: blockingWaitMs });
    try {
      // The write-ahead log lets readers go on while one writes; NORMAL syncs at its checkpoints.
      await whileBusy(() => database.exec('pragma journal_mode = wal; pragma synchronous = normal'));
    } catch (error) {
      database.close();
      throw error;
    }
    this.#connection = new SqliteConnection(database);
  }

  acquireConnection(): Promise<DatabaseConnection> {
    if (!this.#connection) throw new Error('the SQLite driver is not open');
    return Promise.resolve(this.#connection);
  }

  /** `immediate` takes the write lock at once, so that a transaction never fails halfway for it. */
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await whileBusy(() => connection.executeQuery(CompiledQuery.raw('begin immediate')));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite rolls back by itself after some errors, such as a full disk.
    if (this.#connection?.isInTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    return Promise.resolve();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Rejects where SQLite throws: an executor's error rejects its promise. */
  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return new Promise((resolve) => resolve(this.#execute(query)));
  }

  #execute<Row>(query: CompiledQuery): QueryResult<Row> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters as SQLInputValue[];
    if (statement.columns().length > 0) return { rows: statement.all(...parameters) as Row[] };
    const { changes } = statement.run(...parameters);
    return { numAffectedRows: BigInt(changes), rows: [] };
  }

  streamQuery(): never {
    throw new Error('the store reads bounded pages and does not stream');
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    if (this.#statements.size >= maxStatements) this.#statements.clear();
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Tries again while another process holds the lock, with jitter, up to busyWaitMs. */
async function whileBusy(run: () => unknown): Promise<void> {
  const deadline = Date.now() + busyWaitMs;
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 10));
    }
  }
}
