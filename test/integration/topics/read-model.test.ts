// The read model of topics in JetStream: what a change leaves there, what an instance without SQL can do with it, and
// how the reconciler repairs it.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dirname, join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import { JetStreamTopicReadModel } from '../../../shared/adapters/nats/jetstream-topic-read-model';
import { sqlBackend, SqlTopicStore } from '../../../shared/adapters/sql';
import { readSettings } from '../../../shared/config/settings';
import { reconcileTopics } from '../../../shared/topics';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { acknowledge, createTopic, messageTo, search, send } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

const schema = JSON.stringify({ type: 'object', required: ['n'] });

let nats: NatsServer;
let site: BrokerSite;
let broker: Broker;
let inspector: NatsConnection;
let alice: Participant;
let bob: Participant;
let model: JetStreamTopicReadModel;
let jetStream: JetStream;
let instances = 0;

beforeAll(async () => {
  nats = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: nats.url });
  inspector = await connect({ servers: nats.url });
  const store = openStore(nats.url, { shardCount: 2 });
  jetStream = store.jetStream;
  model = new JetStreamTopicReadModel(store.layout.bucket('topics'));
  alice = await broker.logIn();
  bob = await broker.logIn();
});

afterAll(async () => {
  await Promise.all([inspector.close(), jetStream.close()]);
  await site.close();
  await nats.stop();
});

/** An instance whose topic store has no tables, and so answers nothing: as unusable as one that sleeps. */
function startWithoutSql(): Broker {
  const file = join(dirname(site.settings['SQLITE_FILE'] ?? ''), `no-tables-${instances++}.sqlite`);
  return site.start({ natsUrl: nats.url, settings: { SQLITE_FILE: file } });
}

async function loseReadModel(): Promise<void> {
  const manager = await inspector.jetstreamManager();
  await manager.streams.purge('KV_topics');
}

describe('the read model of topics', () => {
  it('has a change when the change is answered, with its schema', async () => {
    const id = await createTopic(alice, schema);
    const topic = await model.find(id);
    expect(topic).toMatchObject({ id, deleted: false, schemaType: 'JSD7' });
    const hash = topic?.versions.get('1.0.0')?.schemaHash ?? '';
    expect(await model.readSchema(hash)).toBe(schema);
    expect((await alice.request('DELETE', `/topics/${id}`)).status).toBe(200);
    expect((await model.find(id))?.deleted).toBe(true);
  });

  it('lets an instance that has no SQL send, validate, search and acknowledge on known topics', async () => {
    const id = await createTopic(alice, schema);
    const asleep = startWithoutSql();
    const [sender, reader] = [alice.at(asleep), bob.at(asleep)];
    const messageId = await send(sender, reader, id, { payload: '{"n":1}', payloadEncryption: false });
    const refused = await sender.request('POST', '/messages', {
      ...messageTo([bob.did], id),
      payload: '{}',
      payloadEncryption: false,
    });
    expect(refused.status).toBe(400);
    expect((await search(reader, { topicId: [id] })).map((message) => message.messageId)).toEqual([
      messageId,
    ]);
    expect((await acknowledge(reader, [messageId])).acked).toEqual([messageId]);
    const listed = await sender.request('GET', '/topics');
    expect([listed.status, listed.headers.get('retry-after') !== null]).toEqual([503, true]);
  });

  it('is filled by the reconciler with topics that it has missed, and is complete from then on', async () => {
    const ids = [await createTopic(alice, schema), await createTopic(alice, schema)];
    await alice.request('PUT', `/topics/${ids[0] ?? ''}/versions/1.1.0`, { schema: '{"type":"object"}' });
    await loseReadModel();
    expect(await model.find(ids[0] ?? '')).toBeUndefined();
    await broker.runTimer('retention');
    for (const id of ids) expect(await model.find(id)).toMatchObject({ id, deleted: false });
    const versions = (await model.find(ids[0] ?? ''))?.versions;
    expect([...(versions?.keys() ?? [])].sort()).toEqual(['1.0.0', '1.1.0']);
    for (const { schemaHash } of versions?.values() ?? [])
      expect(await model.readSchema(schemaHash)).toBeDefined();
    // Complete: what is not in it does not exist, and SQL is not asked.
    const asleep = startWithoutSql();
    const answer = await alice.at(asleep).request('POST', '/messages', messageTo([bob.did], 'f'.repeat(24)));
    expect(answer.status).toBe(404);
  });

  it('goes on where the last run had no more time, and is complete when all topics were seen', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 40; count++) ids.push(await createTopic(alice, schema));
    await loseReadModel();
    const store = new SqlTopicStore(sqlBackend(readSettings(site.settings).topicStore), () => Date.now());
    const startedAtMs = Date.now();
    const runs: { readonly seen: number; readonly repaired: number }[] = [];
    while ((await model.readReconciled())?.throughMs !== startedAtMs) {
      expect((await model.readReconciled())?.throughMs ?? 0).toBe(0);
      // Each run has time for one look.
      runs.push(await reconcileTopics({ model, store }, startedAtMs + runs.length, () => true));
      expect(runs.length).toBeLessThan(20);
    }
    await store.close();
    expect(runs.length).toBeGreaterThan(2);
    const seen = runs.reduce((sum, run) => sum + run.seen, 0);
    // Those that other tests have made, too, and none of them twice.
    expect(seen).toBe(runs.reduce((sum, run) => sum + run.repaired, 0));
    for (const id of ids) expect(await model.find(id)).toMatchObject({ id });
  });

  it('repairs a change that was recorded and not announced', async () => {
    const id = await createTopic(alice, schema);
    await broker.runTimer('retention');
    const known = await model.find(id);
    const manager = await inspector.jetstreamManager();
    await manager.streams.purge('KV_topics', { filter: `$KV.topics.topic.${id}` });
    await broker.runTimer('retention');
    expect(await model.find(id)).toEqual(known);
  });

  it('never goes back to a lower revision', async () => {
    const id = await createTopic(alice, schema);
    const before = await model.find(id);
    expect((await alice.request('PUT', `/topics/${id}`, { tags: ['one'] })).status).toBe(200);
    const after = await model.find(id);
    expect(before && (await model.write(before))).toBe(false);
    expect(await model.find(id)).toEqual(after);
    expect(after?.revision).toBeGreaterThan(before?.revision ?? Infinity);
  });

  it('makes a deleted topic refuse messages on another instance within 5 s', async () => {
    const id = await createTopic(alice, schema);
    const other = site.start({ natsUrl: nats.url });
    const sender = alice.at(other);
    await send(sender, bob, id);
    expect((await alice.request('DELETE', `/topics/${id}`)).status).toBe(200);
    const deletedAt = Date.now();
    let askedAt = deletedAt;
    let status = 200;
    while (status === 200 && askedAt - deletedAt < 5_000) {
      // What was asked later than that is not to be accepted.
      askedAt = Date.now();
      status = (await sender.request('POST', '/messages', messageTo([bob.did], id))).status;
    }
    expect(status).toBe(404);
  });
});
