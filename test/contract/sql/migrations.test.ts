// Migrations are a step of their own: safe to repeat, safe to run at once, and clear about a database that is older
// or newer than the program. Over every SQL backend there is.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Kysely } from 'kysely';
import { migrate, SqlTopicStore } from '../../../shared/adapters/sql';
import { migrationNames } from '../../../shared/adapters/sql/migrations';
import { executedMigrations } from '../../../shared/adapters/sql/schema-version';
import type { Tables } from '../../../shared/adapters/sql/tables';
import { systemClock } from '../../../shared/clock';
import { sqlite, type TestDatabase, testBackends } from '../../support/sql-backends';

async function using<Result>(
  database: TestDatabase,
  work: (tables: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  const tables = new Kysely<Tables>({ dialect: database.connect().dialect });
  try {
    return await work(tables);
  } finally {
    await tables.destroy();
  }
}

for (const backend of testBackends) {
  describe(`migrations on ${backend.name}`, () => {
    const opened: TestDatabase[] = [];
    const open = async () => {
      const database = await backend.open();
      opened.push(database);
      return database;
    };
    afterEach(async () => {
      for (const database of opened.splice(0)) await database.remove();
    });

    const using = async <Result>(
      database: TestDatabase,
      work: (tables: Kysely<Tables>) => Promise<Result>,
    ) => {
      const tables = new Kysely<Tables>({ dialect: database.connect().dialect });
      try {
        return await work(tables);
      } finally {
        await tables.destroy();
      }
    };

    test('run once when twenty run at once, and leave nothing to do for a second run', async () => {
      const database = await open();
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => migrate(database.connect())));
      const ran = outcomes.flat();
      // A database that was used before has run them already.
      expect(new Set(ran).size).toBe(ran.length);
      expect(await using(database, executedMigrations)).toEqual(migrationNames);
      expect(await migrate(database.connect())).toEqual([]);
    });
  });
}

describe('a topic store on a database of another program', () => {
  // On a file of one's own: other suites may be using the SQL server at the same time.
  let database: TestDatabase;
  let store: SqlTopicStore;
  beforeEach(async () => {
    database = await sqlite.open();
    store = new SqlTopicStore(database.connect(), systemClock);
  });
  afterEach(async () => {
    await store.close();
    await database.remove();
  });
  const refusal = (words: string) => ({
    code: 'topic-store-unavailable',
    message: expect.stringContaining(words) as unknown,
  });

  test('says that it was never migrated, and works once it is', async () => {
    await expect(store.check()).rejects.toMatchObject(refusal('npm run migrate'));
    await migrate(database.connect());
    await expect(store.check()).resolves.toBeUndefined();
    expect(await store.find('a'.repeat(24))).toBeUndefined();
  });

  test('says that a newer program has migrated it, and what to do', async () => {
    await migrate(database.connect());
    const newer = { name: '9999_from_the_future', timestamp: new Date().toISOString() };
    await using(database, (tables) => tables.insertInto('kysely_migration').values(newer).execute());
    await expect(migrate(database.connect())).rejects.toThrow(
      /newer program \(9999_from_the_future\): deploy/,
    );
    await expect(store.find('a'.repeat(24))).rejects.toMatchObject(refusal('newer program'));
  });
});
