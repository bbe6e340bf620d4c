// The retention timer on a real store, with classes of seconds: what expires, who is told, what is left.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from 'nats';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  messageTo,
  publish,
  search,
  send as sendMessage,
  sentIds,
} from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { startNatsServer, type NatsServer } from '../../support/nats-server';

const classes = { RETENTION_CLASSES: '1s,3s,1h', DEFAULT_RETENTION_CLASS: '1s' };

interface Receipts {
  readonly receipts: readonly { messageId: string; recipient: string; outcome: string; at: string }[];
  readonly next: string;
}

let nats: NatsServer;
let site: BrokerSite;
let broker: Broker;
let inspector: NatsConnection;
let alice: Participant;
let bob: Participant;
let topic: string;

beforeAll(async () => {
  nats = await startNatsServer();
  site = await createBrokerSite(classes);
  broker = site.start({ natsUrl: nats.url });
  inspector = await connect({ servers: nats.url });
  alice = await broker.logIn();
  bob = await broker.logIn();
  topic = await createTopic(alice);
});

afterAll(async () => {
  await inspector.close();
  await site.close();
  await nats.stop();
});

function send(recipient: Participant, from = alice): Promise<string> {
  return sendMessage(from, recipient, topic);
}

/** The clock that decides is the server's; it cannot be moved, so a class of one second is waited out. */
async function untilExpired(sender: Participant, messageId: string, recipient: Participant): Promise<void> {
  await eventually(async () => (await statusOf(sender, messageId, recipient)) !== 'stored');
}

async function statusOf(
  asker: Participant,
  messageId: string,
  recipient: Participant,
): Promise<string | undefined> {
  const path = `/messages/${messageId}/status?recipient=${encodeURIComponent(recipient.did)}`;
  return (await asker.request<{ status?: string }>('GET', path)).body.status;
}

async function receiptsOf(participant: Participant, after = ''): Promise<Receipts> {
  return (await participant.request<Receipts>('GET', `/receipts?after=${after}`)).body;
}

async function storedMessages(): Promise<number> {
  const manager = await inspector.jetstreamManager();
  let total = 0;
  for await (const stream of manager.streams.list()) {
    if (!stream.config.name.startsWith('DDHUB_MAIL_')) continue;
    const { state } = await manager.streams.info(stream.config.name, { subjects_filter: 'ddhub.*.*.*.*.1s' });
    total += Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
  }
  return total;
}

describe('the retention timer', () => {
  it('tells the sender of a message that nobody had acknowledged, once, and trims it', async () => {
    const messageId = await send(bob);
    expect(await statusOf(alice, messageId, bob)).toBe('stored');
    await untilExpired(alice, messageId, bob);
    expect(await search(bob, { clientId: 'late' })).toEqual([]);
    await broker.runTimer('retention');
    const { receipts, next } = await receiptsOf(alice);
    expect(receipts).toEqual([{ messageId, recipient: bob.did, outcome: 'expired', at: receipts[0]?.at }]);
    expect(Date.parse(receipts[0]?.at ?? '')).toBeLessThanOrEqual(Date.now());
    expect(await storedMessages()).toBe(0);
    await broker.runTimer('retention');
    expect((await receiptsOf(alice, next)).receipts).toEqual([]);
    expect((await receiptsOf(alice)).receipts).toHaveLength(1);
    expect(await statusOf(alice, messageId, bob)).toBe('expired');
  });

  it('does not tell of a message that one of the recipient’s readers had acknowledged', async () => {
    const sender = await broker.logIn();
    const messageId = await send(bob, sender);
    await search(bob, { clientId: 'slow' });
    await search(bob, { clientId: 'quick' });
    expect((await acknowledge(bob, [messageId], { clientId: 'quick' })).acked).toEqual([messageId]);
    await untilExpired(sender, messageId, bob);
    await broker.runTimer('retention');
    expect((await receiptsOf(sender)).receipts).toEqual([]);
  });

  it('tells of a message that was read and not acknowledged, and takes it out of every cursor', async () => {
    const sender = await broker.logIn();
    const messageId = await send(bob, sender);
    expect(await search(bob, { clientId: 'reader', amount: 10 })).toHaveLength(1);
    await untilExpired(sender, messageId, bob);
    expect(await search(bob, { clientId: 'reader', amount: 10 })).toEqual([]);
    await broker.runTimer('retention');
    expect((await receiptsOf(sender)).receipts.map((receipt) => receipt.messageId)).toEqual([messageId]);
    // An acknowledgement that comes too late is answered as if it had been in time.
    expect((await acknowledge(bob, [messageId], { clientId: 'reader' })).acked).toEqual([messageId]);
  });

  it('hands receipts out only to the sender, and positions only to whom they belong', async () => {
    const sender = await broker.logIn();
    const messageId = await send(bob, sender);
    await untilExpired(sender, messageId, bob);
    await broker.runTimer('retention');
    expect((await receiptsOf(bob)).receipts).toEqual([]);
    const { next } = await receiptsOf(sender);
    expect((await bob.request('GET', `/receipts?after=${next}`)).status).toBe(400);
    expect((await sender.request('GET', '/receipts?after=*')).status).toBe(400);
  });

  it('tells a stranger nothing of a stored message', async () => {
    const stranger = await broker.logIn();
    const messageId = await send(bob);
    const path = `/messages/${messageId}/status?recipient=${encodeURIComponent(bob.did)}`;
    expect((await stranger.request('GET', path)).status).toBe(404);
    expect((await bob.request('GET', path)).status).toBe(404);
    expect((await alice.request('GET', path.replace(messageId, 'f'.repeat(24)))).status).toBe(404);
    expect((await alice.request('GET', path.replace(encodeURIComponent(bob.did), '*'))).status).toBe(404);
  });

  it('knows a message to an anonymous key by the key, and tells its sender of its end', async () => {
    const sender = await broker.logIn();
    const key = `key-${Date.now()}`;
    await bob.request('POST', '/channel/initExtChannel', { anonymousKeys: [{ anonymousKey: key }] });
    const answer = await publish(sender, messageTo([], topic, { anonymousRecipient: [key] }));
    const messageId = sentIds(answer)[0] ?? '';
    const status = async (): Promise<unknown> =>
      (await sender.request<{ status?: string }>('GET', `/messages/${messageId}/status?recipient=${key}`))
        .body.status;
    expect(await status()).toBe('stored');
    await eventually(async () => (await status()) === 'expired');
    await broker.runTimer('retention');
    expect((await receiptsOf(sender)).receipts).toMatchObject([{ messageId, recipient: key }]);
    // Regression: whoever owns the key is the recipient, which is told nothing, also when the message is gone.
    const path = `/messages/${messageId}/status?recipient=${key}`;
    expect((await bob.request('GET', path)).status).toBe(404);
  });

  it('pulls nothing, and so delays nothing, while nothing is due', async () => {
    const other = site.start({ natsUrl: nats.url, settings: { DEFAULT_RETENTION_CLASS: '1h' } });
    const messageId = await send(bob, alice.at(other));
    await broker.runTimer('retention');
    const manager = await inspector.jetstreamManager();
    for (const stream of ['DDHUB_MAIL_0', 'DDHUB_MAIL_1']) {
      const { delivered } = await manager.consumers.info(stream, 'expiry-1h');
      expect(delivered.consumer_seq).toBe(0);
    }
    expect(await statusOf(alice, messageId, bob)).toBe('stored');
  });

  it('ends a message at its own life, and looks after it at the end of the class that it rounds up to', async () => {
    const sender = await broker.logIn();
    const messageId = await sendMessage(sender, bob, topic, { ttlSeconds: 2 });
    await broker.runTimer('retention');
    expect(await search(bob, { clientId: 'ttl', senderId: [sender.did] })).toHaveLength(1);
    await untilExpired(sender, messageId, bob);
    expect(await search(bob, { clientId: 'ttl', senderId: [sender.did] })).toEqual([]);
    await broker.runTimer('retention');
    // The class is three seconds long: its receipt comes up to a class later than the end.
    await eventually(async () => {
      await broker.runTimer('retention');
      return (await receiptsOf(sender)).receipts.length > 0;
    });
    expect((await receiptsOf(sender)).receipts.map((receipt) => receipt.messageId)).toEqual([messageId]);
    const tooLong = await sender.request('POST', '/messages', {
      ...messageTo([bob.did], topic),
      ttlSeconds: 3_601,
    });
    expect(tooLong.status).toBe(400);
  });

  it('run by two instances at once tells each sender once', async () => {
    const sender = await broker.logIn();
    const second = site.start({ natsUrl: nats.url });
    const ids = await Promise.all(Array.from({ length: 50 }, () => send(bob, sender)));
    await untilExpired(sender, ids.at(-1) ?? '', bob);
    await Promise.all([broker.runTimer('retention'), second.runTimer('retention')]);
    await eventually(async () => {
      await Promise.all([broker.runTimer('retention'), second.runTimer('retention')]);
      return (await receiptsOf(sender)).receipts.length >= ids.length;
    });
    const told = (await receiptsOf(sender)).receipts.map((receipt) => receipt.messageId);
    expect([...told].sort()).toEqual([...ids].sort());
  });

  it('goes on after its consumers were deleted by hand, without telling anybody twice', async () => {
    const sender = await broker.logIn();
    const messageId = await send(bob, sender);
    await untilExpired(sender, messageId, bob);
    await broker.runTimer('retention');
    const manager = await inspector.jetstreamManager();
    for (const stream of ['DDHUB_MAIL_0', 'DDHUB_MAIL_1'])
      await manager.consumers.delete(stream, 'expiry-1s');
    const later = await send(bob, sender);
    await untilExpired(sender, later, bob);
    await broker.runTimer('retention');
    expect((await receiptsOf(sender)).receipts.map((receipt) => receipt.messageId)).toEqual([
      messageId,
      later,
    ]);
  });

  it('still trims a class that is no longer configured, and then removes its consumers', async () => {
    const sender = await broker.logIn();
    const shrunk = site.start({
      natsUrl: nats.url,
      settings: { RETENTION_CLASSES: '3s,1h', DEFAULT_RETENTION_CLASS: '3s' },
    });
    const messageId = await send(bob, sender);
    await untilExpired(sender, messageId, bob);
    const manager = await inspector.jetstreamManager();
    const consumers = async (): Promise<string[]> => {
      const names: string[] = [];
      for (const stream of ['DDHUB_MAIL_0', 'DDHUB_MAIL_1']) {
        for await (const { name } of manager.consumers.list(stream)) names.push(name);
      }
      return names;
    };
    await eventually(async () => {
      await shrunk.runTimer('retention');
      return !(await consumers()).includes('expiry-1s');
    });
    expect((await receiptsOf(sender)).receipts.map((receipt) => receipt.messageId)).toEqual([messageId]);
    expect(await consumers()).toContain('expiry-3s');
  });
});
