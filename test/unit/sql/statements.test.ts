// The tables and statements of each backend, compared with what was committed: a released migration does not
// change unnoticed. T-SQL stays in the subset that every server of the kind understands alike.

import { describe, expect, it } from '@jest/globals';
import { migrate, type SqlBackend, sqlBackend, SqlTopicStore } from '../../../shared/adapters/sql';
import { readSchemaText } from '../../../shared/topics/schema-text';
import { deleteTopic, deleteVersion, publishVersion, updateTopic } from '../../../shared/topics/topic-change';
import { migrationNames } from '../../../shared/adapters/sql/migrations';
import { recordSql } from '../../support/recorded-sql';

const backends: readonly SqlBackend[] = [
  sqlBackend({ kind: 'sqlite', file: ':memory:' }),
  sqlBackend({ kind: 'entra', server: 'example.database.windows.net', database: 'topics' }),
];

const topicRow = {
  owner: 'o',
  name: 'n',
  schema_type: 'JSD7',
  tags: '[]',
  revision: '1',
  created_at_ms: '1',
  deleted_at_ms: null,
  schema_hash: 'h',
  version_created_at_ms: '1',
  version_deleted_at_ms: null,
};

async function migrationStatements(backend: SqlBackend): Promise<readonly string[]> {
  const recorded = recordSql(backend, ({ sql }) => (sql.includes('sp_getapplock') ? [{ result: 0 }] : []));
  await migrate(recorded.backend);
  return recorded.statements;
}

async function storeStatements(backend: SqlBackend): Promise<readonly string[]> {
  const recorded = recordSql(backend, ({ sql }) => {
    if (/INFORMATION_SCHEMA|sqlite_master/.test(sql))
      return [{ name: 'kysely_migration', table: 'kysely_migration' }];
    if (sql.includes('kysely_migration')) return migrationNames.map((name) => ({ name }));
    if (/count\(|sum\(/.test(sql)) return [{ count: '100' }];
    if (sql.includes('version_created_at_ms')) {
      return ['1.0.0', '1.1.0'].map((version) => ({ ...topicRow, version }));
    }
    return [];
  });
  const store = new SqlTopicStore(recorded.backend, () => 1_000);
  const schema = readSchemaText('JSD7', '{}');
  const id = 'a'.repeat(24);
  await store.create({
    owner: 'o',
    name: 'n',
    schemaType: 'JSD7',
    tags: ['t', 'u'],
    version: '1.0.0',
    schema,
  });
  await store.change(id, (topic) => publishVersion(topic, '2.0.0', schema));
  await store.change(id, (topic) => updateTopic(topic, { tags: ['t'] }));
  await store.change(id, (topic) => deleteVersion(topic, '1.0.0'));
  await store.change(id, deleteTopic);
  await store.view(id);
  await store.view(id, '1.0.0');
  await store.list({ includeDeleted: false }, { offset: 0, limit: undefined });
  await store.list({ owner: 'o', includeDeleted: true }, { offset: 20, limit: 10 });
  await store.list(
    { owner: 'o', name: 'n', tags: ['t'], keyword: 'k', includeDeleted: false },
    { offset: 20, limit: 10 },
  );
  await store.listVersions(id, false, { offset: 0, limit: 10 });
  await store.countByOwner(['o', 'p']);
  await store.updatesByOwner(['o', 'p']);
  return recorded.statements;
}

describe.each(backends.map((backend) => ({ name: backend.name, backend })))(
  'the SQL of $name',
  ({ backend }) => {
    it('makes the tables that were committed', async () => {
      expect((await migrationStatements(backend)).join('\n')).toMatchSnapshot();
    });

    it('asks and changes as was committed', async () => {
      expect((await storeStatements(backend)).join('\n')).toMatchSnapshot();
    });

    it('holds no value: every one is a parameter', async () => {
      for (const statement of await storeStatements(backend))
        expect(statement).not.toMatch(/'[^']+'|aaaaaaaa/);
    });
  },
);

describe('T-SQL', () => {
  it('stays in the portable subset', async () => {
    const [, mssql] = backends;
    if (!mssql) throw new Error('there is a SQL Server backend');
    const statements = [...(await migrationStatements(mssql)), ...(await storeStatements(mssql))];
    for (const statement of statements) {
      expect(statement).not.toMatch(
        /\bmerge\b|create or alter|\bwaitfor\b|alter (column|database)|\boutput\b|\bconstraint\b \S+ default|sys\.indexes/i,
      );
      // Hints would change nothing that the program relies on; a filtered index is not everywhere.
      expect(statement).not.toMatch(/with \((updlock|holdlock|readpast)|create (unique )?index .* where/i);
      expect(statement).not.toMatch(/@\d/);
    }
  });
});
