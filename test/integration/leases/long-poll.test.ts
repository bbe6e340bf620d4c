// Waiting for messages on real NATS with two instances: what wakes a receive, what it costs while nothing comes, and
// what is left of it when its client goes away.

import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { type LeasedAnswer, receive, settle } from '../../support/broker-leases';
import { createTopic, type Fields, send } from '../../support/broker-messages';
import { departingClient } from '../../support/departing-client';
import { eventually } from '../../support/eventually';
import { monitored, subscriptions } from '../../support/nats-monitor';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(60_000);

const clientId = 'waiter';
const shardCount = 2;
/** Less than the time after which a waiting receive reads whatever it has heard (5 s). Unit: ms. */
const wokenWithinMs = 4_500;

let server: NatsServer;
let proxy: TcpProxy;
let site: BrokerSite;
let one: Broker;
let other: Broker;
let sender: Participant;
let topicId: string;
let otherTopicId: string;

beforeAll(async () => {
  server = await startNatsServer({ config: monitored });
  proxy = await startTcpProxy(() => server.port);
  site = await createBrokerSite({ SHARD_COUNT: String(shardCount) });
  one = site.start({ natsUrl: server.url });
  other = site.start({ natsUrl: server.url });
  sender = await one.logIn();
  topicId = await createTopic(sender);
  otherTopicId = await createTopic(sender);
});

afterEach(() => proxy.pass());

afterAll(async () => {
  await site.close();
  await proxy.close();
  await server.stop();
});

const watched = async (): Promise<number> =>
  (await subscriptions(server)).filter((subject) => subject.startsWith('ddhub.new.')).length;

/** A receive that waits: there is nothing for it yet. */
async function waiting(
  reader: Participant,
  fields: Fields = {},
): Promise<{ readonly answer: Promise<{ readonly leased: readonly LeasedAnswer[]; readonly at: number }> }> {
  const before = await watched();
  const answer = receive(reader, clientId, { waitSeconds: 50, ...fields }).then((leased) => ({
    leased,
    at: performance.now(),
  }));
  await eventually(async () => (await watched()) > before);
  return { answer };
}

const idOf = ({ message }: LeasedAnswer): string => message.messageId;

describe('a receive that waits', () => {
  test.each([
    ['the same instance', () => one],
    ['another one', () => other],
  ])('is answered when a message is published at %s', async (_name, at) => {
    const reader = await one.logIn();
    const { answer } = await waiting(reader);
    const publishedAt = performance.now();
    const id = await send(sender.at(at()), reader, topicId);
    const { leased, at: answeredAt } = await answer;
    expect(leased.map(idOf)).toEqual([id]);
    expect(leased[0]?.deliveryCount).toBe(1);
    expect(answeredAt - publishedAt).toBeLessThan(wokenWithinMs);
  });

  test('is not answered by what its filter excludes, which stays for others', async () => {
    const reader = await one.logIn();
    const stranger = await one.logIn();
    const { answer } = await waiting(reader, { topicIds: [topicId], senderIds: [sender.did] });
    const excluded = [await send(sender, reader, otherTopicId), await send(stranger, reader, topicId)];
    const id = await send(sender, reader, topicId);
    expect((await answer).leased.map(idOf)).toEqual([id]);
    expect((await receive(reader, clientId, { max: 10 })).map(idOf)).toEqual(excluded);
  });

  test('is answered with nothing when its time is up, and at once without one', async () => {
    const reader = await one.logIn();
    const beganAt = performance.now();
    expect(await receive(reader, clientId, { waitSeconds: 1 })).toEqual([]);
    const waitedMs = performance.now() - beganAt;
    expect(waitedMs).toBeGreaterThanOrEqual(1_000);
    expect(waitedMs).toBeLessThan(wokenWithinMs);
    expect(await receive(reader, clientId)).toEqual([]);
    const tooLong = await reader.request('POST', `/clients/${clientId}/receive`, { waitSeconds: 51 });
    expect(tooLong.status).toBe(400);
    await eventually(async () => (await watched()) === 0);
  });

  test('regression, answered at once: waits on a channel whose roles nobody holds, until its client leaves', async () => {
    const reader = await one.logIn();
    await reader.request('PUT', '/channels/quiet', { type: 'sub', roles: ['nobody.has.it'] });
    const beganAt = performance.now();
    expect(await receive(reader, clientId, { channel: 'quiet', waitSeconds: 1 })).toEqual([]);
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(1_000);
    const client = departingClient();
    const order = { channel: 'quiet', waitSeconds: 50 };
    const path = `/clients/${clientId}/receive`;
    const gone = reader.request('POST', path, order, undefined, client.headers);
    client.leave();
    await gone;
    expect(performance.now() - beganAt).toBeLessThan(20_000);
  });

  test('is answered when the lease of another worker ends, or a delay', async () => {
    const reader = await one.logIn();
    const [leasedId, delayedId] = [await send(sender, reader, topicId), await send(sender, reader, topicId)];
    const [, second] = await receive(reader, clientId, { max: 2, leaseSeconds: 10 });
    await settle(reader, clientId, 'release', second ? [second] : [], { delaySeconds: 1 });
    const { answer } = await waiting(reader.at(other));
    const { leased } = await answer;
    expect(leased).toMatchObject([{ deliveryCount: 2, message: { messageId: delayedId } }]);
    const afterwards = await receive(reader, clientId, { waitSeconds: 50 });
    expect(afterwards).toMatchObject([{ deliveryCount: 2, message: { messageId: leasedId } }]);
  });

  test.each([
    [
      'release',
      async (reader: Participant, leased: readonly LeasedAnswer[]) => {
        await settle(reader, clientId, 'release', leased);
      },
    ],
    [
      'seek',
      async (reader: Participant) => {
        await reader.request('POST', `/clients/${clientId}/seek`, { to: 'beginning' });
      },
    ],
    [
      'redrive',
      async (reader: Participant, leased: readonly LeasedAnswer[]) => {
        await settle(reader, clientId, 'reject', leased);
        await reader.request('POST', `/clients/${clientId}/dead-letters/redrive`);
      },
    ],
  ])('notices a %s at another instance', async (_name, act) => {
    const reader = await one.logIn();
    const id = await send(sender, reader, topicId);
    const held = await receive(reader, clientId);
    const { answer } = await waiting(reader);
    const actedAt = performance.now();
    await act(reader.at(other), held);
    const { leased, at } = await answer;
    expect(leased.map(idOf)).toEqual([id]);
    expect(at - actedAt).toBeLessThan(wokenWithinMs);
  });

  test('gets what was published while its instance had no connection, and hears again afterwards', async () => {
    const cut = site.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` });
    const reader = await cut.logIn();
    const { answer } = await waiting(reader);
    proxy.refuse();
    const id = await send(sender, reader, topicId);
    proxy.pass();
    // The wait may have ended by the loss; then it is asked again, as its client would.
    const found = await answer.then(({ leased }) => leased).catch(() => []);
    const leased = found.length ? found : await receive(reader, clientId, { waitSeconds: 50 });
    expect(leased.map(idOf)).toEqual([id]);
    const { answer: next } = await waiting(reader);
    const publishedAt = performance.now();
    const nextId = await send(sender, reader, topicId);
    const { leased: again, at } = await next;
    expect(again.map(idOf)).toEqual([nextId]);
    expect(at - publishedAt).toBeLessThan(wokenWithinMs);
  });
});

describe('two thousand waiting receives', () => {
  test('cost each instance one subscription for each shard, and none when they are gone', async () => {
    const readers = await Promise.all(Array.from({ length: 100 }, () => one.logIn()));
    const clients = Array.from({ length: 2_000 }, () => departingClient());
    const answers = clients.map(({ headers }, index) => {
      const reader = (readers[index % readers.length] ?? sender).at(index % 2 ? one : other);
      const path = `/clients/waiter-${index % 7}/receive`;
      return reader.request<{ messages: unknown[] }>('POST', path, { waitSeconds: 50 }, undefined, headers);
    });
    await eventually(async () => (await watched()) === 2 * shardCount);
    for (const { leave } of clients) leave();
    for (const answer of await Promise.all(answers)) expect(answer.body).toEqual({ messages: [] });
    await eventually(async () => (await watched()) === 0);
  });
});

describe('a client that goes away', () => {
  function receiveAndLeave(reader: Participant) {
    const client = departingClient();
    const answer = reader.request<{ messages: readonly LeasedAnswer[] }>(
      'POST',
      `/clients/${clientId}/receive`,
      { waitSeconds: 50 },
      undefined,
      client.headers,
    );
    return { answer, leave: client.leave };
  }

  test('while it waits leaves neither a waiter nor a lease', async () => {
    const reader = await one.logIn();
    const { answer, leave } = receiveAndLeave(reader);
    await eventually(async () => (await watched()) > 0);
    leave();
    expect((await answer).body.messages).toEqual([]);
    await eventually(async () => (await watched()) === 0);
    await send(sender, reader, topicId);
    expect(await receive(reader, clientId)).toMatchObject([{ deliveryCount: 1 }]);
  });

  test('just when a message arrives leaves no lease of it, unless it was answered', async () => {
    const reader = await one.logIn();
    for (let round = 0; round < 40; round++) {
      const { answer, leave } = receiveAndLeave(reader);
      await eventually(async () => (await watched()) > 0);
      const sending = send(sender, reader, topicId);
      // Before, while, and after the message is stored and leased.
      for (let turn = round; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
      leave();
      const id = await sending;
      const { messages } = (await answer).body;
      const leased = messages.length ? messages : await receive(reader, clientId);
      expect(leased.map(idOf)).toEqual([id]);
      // Regression: what nobody was given was not delivered.
      expect(leased[0]?.deliveryCount).toBe(1);
      await settle(reader, clientId, 'acknowledge', leased);
    }
  });
});
