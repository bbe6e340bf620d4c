// The statements that a SQL backend would be sent, without a server: its own query compiler before a driver that
// writes them down and answers with nothing.

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import type { SqlBackend } from '../../shared/adapters/sql';

export interface Recorded {
  readonly backend: SqlBackend;
  /** Statements in the order sent, transactions as `begin`, `commit` and `rollback`. */
  readonly statements: string[];
}

/** @param answer rows for a statement; none by default */
export function recordSql(
  backend: SqlBackend,
  answer: (query: CompiledQuery) => readonly object[] = () => [],
): Recorded {
  const statements: string[] = [];
  const note = (text: string) => {
    statements.push(text.replaceAll(/\s+/g, ' ').trim());
    return Promise.resolve();
  };
  const connection: DatabaseConnection = {
    executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
      await note(query.sql);
      return { rows: answer(query) as Row[], numAffectedRows: 1n };
    },
    streamQuery: () => {
      throw new Error('nothing streams');
    },
  };
  const nothing = () => Promise.resolve();
  const driver: Driver = {
    init: nothing,
    acquireConnection: () => Promise.resolve(connection),
    beginTransaction: () => note('begin'),
    commitTransaction: () => note('commit'),
    rollbackTransaction: () => note('rollback'),
    releaseConnection: nothing,
    destroy: nothing,
  };
  const dialect: Dialect = {
    createDriver: () => driver,
    createQueryCompiler: () => backend.dialect.createQueryCompiler(),
    createAdapter: () => backend.dialect.createAdapter(),
    createIntrospector: (database) => backend.dialect.createIntrospector(database),
  };
  return { backend: { ...backend, dialect }, statements };
}
