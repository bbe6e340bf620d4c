// Streams that somebody deletes while instances run: they notice, make them again as the next generation, and take no
// id and no cursor of the lost stream for one of the new one.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { acknowledge, createTopic, search, send } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

const stream = 'DDHUB_MAIL_0';
/** Longer than an instance takes to notice. Unit: ms. */
const patienceMs = 15_000;

let nats: NatsServer;
let site: BrokerSite;
let broker: Broker;
let inspector: NatsConnection;
let manager: JetStreamManager;
let alice: Participant;
let bob: Participant;
let topic: string;

beforeEach(async () => {
  nats = await startNatsServer();
  site = await createBrokerSite({
    SHARD_COUNT: '1',
    RETENTION_CLASSES: '1s,1h',
    DEFAULT_RETENTION_CLASS: '1h',
  });
  broker = site.start({ natsUrl: nats.url });
  inspector = await connect({ servers: nats.url });
  manager = await inspector.jetstreamManager();
  alice = await broker.logIn();
  bob = await broker.logIn();
  topic = await createTopic(alice);
});

afterEach(async () => {
  await inspector.close();
  await site.close();
  await nats.stop();
});

async function generationOf(name: string): Promise<string | undefined> {
  return (await manager.streams.info(name)).config.metadata?.['ddhub-generation'];
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > endsAt) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a message stream that was deleted while an instance runs', () => {
  it('regression, a false alarm: is not what several instances make that start at once', async () => {
    const brokers = Array.from({ length: 4 }, () => site.start({ natsUrl: nats.url }));
    await Promise.all(brokers.map((each) => send(alice.at(each), bob, topic)));
    for (const { logLines } of brokers) expect(logLines.join('\n')).not.toContain('made again');
  });

  it('is made again as the next generation by the next message, which is delivered', async () => {
    const lost = await send(alice, bob, topic);
    expect((await search(bob)).map(({ messageId }) => messageId)).toEqual([lost]);
    expect((await acknowledge(bob, [lost])).acked).toEqual([lost]);
    await manager.streams.delete(stream);
    const next = await send(alice, bob, topic);
    // Both have the sequence 1, which the cursor of the lost stream had acknowledged.
    expect(next).not.toBe(lost);
    expect((await search(bob)).map(({ messageId }) => messageId)).toEqual([next]);
    expect(await acknowledge(bob, [lost, next])).toEqual({ acked: [next], notFound: [lost] });
    expect(await search(bob)).toEqual([]);
    expect(await generationOf(stream)).toBe('2');
    expect(broker.logLines.join('\n')).toContain('message stream was lost and is made again');
  }, 30_000);

  it('is made again by a search, and by the timer', async () => {
    await send(alice, bob, topic);
    await manager.streams.delete(stream);
    await until(
      async () => (await bob.request('POST', '/messages/search', { clientId: 'c' })).status === 200,
    );
    expect(await generationOf(stream)).toBe('2');
    await manager.streams.delete(stream);
    await broker.runTimer('retention');
    expect(await generationOf(stream)).toBe('3');
    expect((await manager.consumers.info(stream, 'expiry-1h')).name).toBe('expiry-1h');
  }, 30_000);

  it('and was made again by another instance, is noticed by this one within seconds', async () => {
    await send(alice, bob, topic);
    await manager.streams.delete(stream);
    const other = site.start({ natsUrl: nats.url });
    await send(alice.at(other), bob, topic);
    await until(async () => {
      const sent = await send(alice, bob, topic);
      const found = await search(bob.at(other), { clientId: 'other', amount: 20_000 });
      return found.some(({ messageId }) => messageId === sent);
    });
    expect(await generationOf(stream)).toBe('2');
  }, 30_000);

  it('and was made again by hand as it was, is the next generation all the same', async () => {
    const lost = await send(alice, bob, topic);
    const { config } = await manager.streams.info(stream);
    await manager.streams.delete(stream);
    await manager.streams.add(config);
    expect(await generationOf(stream)).toBe('1');
    await until(async () => {
      await send(alice, bob, topic);
      return (await generationOf(stream)) === '2';
    });
    const found = await search(bob, { amount: 20_000 });
    expect(found.length).toBeGreaterThan(0);
    expect(found.map(({ messageId }) => messageId)).not.toContain(lost);
    expect((await acknowledge(bob, [lost])).notFound).toEqual([lost]);
  }, 30_000);

  it('keeps its generation while nobody touches it, whoever starts', async () => {
    const messageId = await send(alice, bob, topic);
    const other = site.start({ natsUrl: nats.url });
    expect((await search(bob.at(other))).map((found) => found.messageId)).toEqual([messageId]);
    expect(await generationOf(stream)).toBe('1');
  });
});

describe('a bucket of cursors that was deleted while an instance runs', () => {
  it('is made again; what was acknowledged may come again, and nothing is lost', async () => {
    const first = await send(alice, bob, topic);
    await search(bob);
    await acknowledge(bob, [first]);
    await manager.streams.delete('KV_ddhub-cursors-0');
    const second = await send(alice, bob, topic);
    const found = (await search(bob, { amount: 10 })).map(({ messageId }) => messageId);
    expect(found).toEqual([first, second]);
    expect((await acknowledge(bob, [first, second])).acked).toEqual([first, second]);
    expect(await search(bob)).toEqual([]);
  }, 30_000);
});
