// What a SQL server does to its callers — asleep, deadlocked, failing over, gone — seen through mssql on the wire,
// before a stand-in that speaks TDS and refuses with real error numbers.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { migrate, sqlBackend, SqlTopicStore } from '../../../shared/adapters/sql';
import { systemClock } from '../../../shared/clock';
import { deleteTopic, publishVersion } from '../../../shared/topics/topic-change';
import { TopicCatalog, toCatalogTopic } from '../../../shared/topics/topic-catalog';
import { schema, someTopic } from '../../contract/topics/topic-store.contract';
import { startTdsStandIn, type TdsStandIn } from '../../support/tds-stand-in';

let server: TdsStandIn;
let store: SqlTopicStore;
const opened: SqlTopicStore[] = [];

function connect(): SqlTopicStore {
  const { connectionString } = server;
  const connected = new SqlTopicStore(
    sqlBackend({ kind: 'connection-string', connectionString }),
    systemClock,
  );
  opened.push(connected);
  return connected;
}

beforeEach(async () => {
  server = await startTdsStandIn();
  await migrate(sqlBackend({ kind: 'connection-string', connectionString: server.connectionString }));
  store = connect();
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await server.stop();
});

const unavailable = { code: 'topic-store-unavailable', retryAfterSeconds: 30 };

describe('a SQL server', () => {
  test('gets every parameter with a type and length that do not follow the value', async () => {
    await store.create(someTopic({ name: 'n', tags: ['t'], schema: schema('x'.repeat(10_000)) }));
    await store.list({ keyword: 'n', includeDeleted: false }, { offset: 0, limit: 5 });
    const types = new Set(server.parameters.map(({ type }) => type));
    expect(types).toEqual(new Set(['nvarchar(4000)', 'nvarchar(max)', 'bigint']));
    const long = server.parameters.filter(({ type }) => type === 'nvarchar(max)');
    expect(long.every(({ value }) => typeof value === 'string' && value.length > 4_000)).toBe(true);
  });

  test('regression, options that nobody has chosen sent as numbers: gets null as text, which any column takes', async () => {
    const { id } = await store.create(someTopic({ name: 'n' }));
    const nulls = server.parameters.filter(({ value }) => value === null);
    expect(nulls.length).toBeGreaterThanOrEqual(3);
    expect(new Set(nulls.map(({ type }) => type))).toEqual(new Set(['nvarchar(4000)']));
    expect(await store.find(id)).toMatchObject({
      retentionClass: undefined,
      deletedAtMs: undefined,
      compatibility: { mode: 'NONE' },
    });
  });

  test.each([40613, 40197, 40501, 49918, 10928, 4060, 18456])(
    'that refuses logins with %d is unavailable for a while, and works again by itself',
    async (errorNumber) => {
      const before = server.logins();
      server.refuseLogins(errorNumber);
      await expect(store.find('a'.repeat(24))).rejects.toMatchObject(unavailable);
      expect(server.logins() - before).toBe(1);
      await expect(store.create(someTopic())).rejects.toMatchObject(unavailable);
      await expect(store.check()).rejects.toMatchObject(unavailable);
      server.refuseLogins(undefined);
      const { id } = await store.create(someTopic());
      expect((await store.find(id))?.id).toBe(id);
    },
  );

  test.each([1205, 3960])('that ends a transaction with %d is asked again at once', async (errorNumber) => {
    const { id } = await store.create(someTopic());
    server.refuseNext('update "topic" set', errorNumber);
    const changed = await store.change(id, (topic) => publishVersion(topic, '2.0.0', schema('2')));
    expect(changed.revision).toBe(2);
    expect((await store.find(id))?.versions).toHaveLength(2);
    server.refuseNext('insert into "topic_version"', errorNumber);
    const wanted = someTopic();
    await store.create(wanted);
    expect((await store.countByOwner([wanted.owner]))[0]?.count).toBe(1);
  });

  test('that becomes unavailable inside a transaction leaves nothing of it', async () => {
    const wanted = someTopic();
    server.refuseNext('insert into "topic_version"', 40197);
    await expect(store.create(wanted)).rejects.toMatchObject(unavailable);
    expect(await store.updatesByOwner([wanted.owner])).toEqual([]);
    await store.create(wanted);
    expect((await store.countByOwner([wanted.owner]))[0]?.count).toBe(1);
  });

  test('that cuts its connections is connected to again', async () => {
    const { id } = await store.create(someTopic());
    for (let turn = 0; turn < 3; turn++) {
      server.cutConnections();
      const outcomes = await Promise.allSettled([store.find(id), store.find(id), store.view(id)]);
      for (const outcome of outcomes) {
        // A question on its way when the connection broke has no answer; it is not an internal error.
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(unavailable);
      }
      expect((await store.find(id))?.id).toBe(id);
    }
  });

  test('that is not there is unavailable', async () => {
    await server.stop();
    await expect(store.find('a'.repeat(24))).rejects.toMatchObject(unavailable);
  });

  test('with an error that nobody foresaw fails aloud', async () => {
    await store.check();
    server.refuseNext('select "owner", "live_topics"', 102);
    await expect(store.countByOwner(['o'])).rejects.not.toHaveProperty('retryAfterSeconds');
  });
});

test('while a SQL server sleeps, sending on known topics goes on, without a login for every message', async () => {
  const time = { nowMs: 0 };
  const catalog = new TopicCatalog(
    {
      find: async (id) => {
        const topic = await store.find(id);
        return topic && toCatalogTopic(topic);
      },
      readSchema: async (id, version) => (await store.view(id, version))?.schemaText,
    },
    { clock: () => time.nowMs },
  );
  const { id } = await store.create(someTopic());
  await catalog.find(id);
  await store.close();
  store = connect();
  server.refuseLogins(40613);
  const before = server.logins();
  for (let second = 0; second < 90; second++) {
    for (let message = 0; message < 100; message++) {
      expect((await catalog.requireVersion(id, '1.0.0')).topic.id).toBe(id);
    }
    time.nowMs += 1_000;
  }
  // Tried again every few seconds, not for each of 9,000 messages.
  expect(server.logins() - before).toBeLessThan(50);
  server.refuseLogins(undefined);
  await store.change(id, deleteTopic);
  const deadline = Date.now() + 5_000;
  while ((await catalog.find(id))?.deleted === false && Date.now() < deadline) time.nowMs += 5_000;
  await expect(catalog.requireVersion(id, '1.0.0')).rejects.toMatchObject({ code: 'topic-not-found' });
});
