// The SQL backends that tests run over: a SQLite file of one's own always, and a SQL server when
// SQL_CONNECTION_STRING names one. Without it that is said aloud: a suite that did not run is not a suite that
// passed. Where it must run, SQL_REQUIRED makes its absence a failure.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, type SqlBackend, sqlBackend } from '../../shared/adapters/sql';

export interface TestDatabase {
  /** A backend with connections of its own each time. */
  readonly connect: () => SqlBackend;
  readonly remove: () => Promise<void>;
}

export interface TestBackend {
  readonly name: string;
  /** An empty database on SQLite; on a SQL server the one named, with whatever is in it. */
  readonly open: () => Promise<TestDatabase>;
}

export const sqlite: TestBackend = {
  name: 'SQLite',
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'broker-sqlite-'));
    const file = join(directory, 'topics.db');
    return {
      connect: () => sqlBackend({ kind: 'sqlite', file }),
      remove: () => rm(directory, { recursive: true, force: true }),
    };
  },
};

function sqlServers(): readonly TestBackend[] {
  const connectionString = process.env['SQL_CONNECTION_STRING'];
  if (connectionString) {
    const connect = () => sqlBackend({ kind: 'connection-string', connectionString });
    return [
      {
        name: 'a SQL server',
        open: () => Promise.resolve({ connect, remove: () => Promise.resolve() }),
      },
    ];
  }
  if (process.env['SQL_REQUIRED']) throw new Error('SQL_REQUIRED is set, but SQL_CONNECTION_STRING is not');
  process.stderr.write('not run: the suites on a SQL server (SQL_CONNECTION_STRING names none)\n');
  return [];
}

export const testBackends: readonly TestBackend[] = [sqlite, ...sqlServers()];

/** A database with this program's tables. */
export async function openMigrated(backend: TestBackend): Promise<TestDatabase> {
  const database = await backend.open();
  await migrate(database.connect());
  return database;
}
