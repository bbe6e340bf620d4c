// Faults between the broker and its message store, made by a proxy: answers that are lost, a store that is away.

import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  failures,
  type Fields,
  idsOf,
  messageTo,
  payloadsOf,
  type ProblemAnswer,
  publish,
  search,
  send,
  sentIds,
} from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(60_000);

/** What a PubAck of a mail stream, and of a cursor, contains. */
const mailAck = '{"stream":"DDHUB_MAIL_';
const cursorAck = '{"stream":"KV_ddhub-cursors';

let server: NatsServer;
let proxy: TcpProxy;
let site: BrokerSite;
let direct: Broker;
let broker: Broker;
let sender: Participant;
let reader: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  proxy = await startTcpProxy(() => server.port);
  site = await createBrokerSite({ SHARD_COUNT: '1' });
  direct = site.start({ natsUrl: server.url });
  broker = site.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` });
  sender = await broker.logIn();
  topicId = await createTopic(sender);
});

beforeEach(async () => {
  reader = await broker.logIn();
  await search(reader);
});

afterEach(() => proxy.pass());

afterAll(async () => {
  await site.close();
  await proxy.close();
  await server.stop();
});

/** What the store holds, seen past the proxy by a cursor of its own. */
const stored = async (): Promise<readonly string[]> =>
  payloadsOf(await search(reader.at(direct), { clientId: `look-${randomUUID()}` }));

describe('a lost answer', () => {
  test.each([
    ['without a transaction id', {}],
    ['with a transaction id', { transactionId: randomUUID() }],
  ])('to a publish %s leaves it sent, and stored once', async (_name, fields) => {
    const lost = proxy.loseAnswer(mailAck);
    const answer = await publish(sender, messageTo([reader.did], topicId, { payload: 'once', ...fields }));
    expect(lost()).toBe(1);
    expect(answer.recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    const found = await search(reader);
    expect(idsOf(found)).toEqual(sentIds(answer));
    expect(await stored()).toEqual(['once']);
  });

  test('to a publish whose connection breaks leaves it sent, and stored once', async () => {
    const lost = proxy.loseAnswer(mailAck);
    const publishing = publish(sender, messageTo([reader.did], topicId, { payload: 'once' }));
    await eventually(() => lost() === 1);
    proxy.reset();
    expect((await publishing).recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    expect(await stored()).toEqual(['once']);
  });

  test('to a publish does not hide that it is a duplicate', async () => {
    const message = messageTo([reader.did], topicId, { transactionId: randomUUID() });
    await publish(sender, message);
    const lost = proxy.loseAnswer(mailAck);
    const answer = await publish(sender, { ...message, payload: 'another' });
    expect(lost()).toBe(1);
    expect(failures(answer)[0]?.err).toEqual({
      code: 'MB::NATS_SERVER',
      reason: 'Duplicate transaction id.',
    });
    expect(await stored()).toEqual(['opaque']);
  });

  test('to all publishes of a fan-out leaves every recipient sent, and stored once', async () => {
    const others = await Promise.all(Array.from({ length: 5 }, () => broker.logIn()));
    const lost = proxy.loseAnswer(mailAck);
    const recipients = [reader, ...others];
    const answer = await publish(
      sender,
      messageTo(
        recipients.map(({ did }) => did),
        topicId,
      ),
    );
    expect(lost()).toBe(1);
    expect(answer.recipients).toEqual({ total: 6, sent: 6, failed: 0 });
    for (const recipient of recipients) {
      expect(await search(recipient.at(direct), { clientId: 'look' })).toHaveLength(1);
    }
  });

  test('to an acknowledgement’s compare-and-set leaves it acknowledged', async () => {
    const ids = [await send(sender, reader, topicId), await send(sender, reader, topicId)];
    await search(reader);
    const lost = proxy.loseAnswer(cursorAck);
    expect(await acknowledge(reader, ids.slice(0, 1))).toEqual({ acked: ids.slice(0, 1), notFound: [] });
    expect(lost()).toBe(1);
    for (const at of [broker, direct]) expect(idsOf(await search(reader.at(at)))).toEqual(ids.slice(1));
  });

  test('to a search’s compare-and-set leaves its messages found, and acknowledgeable', async () => {
    const ids = [await send(sender, reader, topicId), await send(sender, reader, topicId)];
    const lost = proxy.loseAnswer(cursorAck);
    expect(idsOf(await search(reader))).toEqual(ids);
    expect(lost()).toBe(1);
    expect(idsOf(await search(reader.at(direct)))).toEqual(ids);
    expect(await acknowledge(reader, ids)).toEqual({ acked: ids, notFound: [] });
    for (const at of [broker, direct]) expect(await search(reader.at(at))).toEqual([]);
  });

  test('to a compare-and-set after which another instance has written is recognized all the same', async () => {
    const ids = [await send(sender, reader, topicId), await send(sender, reader, topicId)];
    await search(reader);
    const lost = proxy.loseAnswer(cursorAck);
    const acknowledging = acknowledge(reader, ids.slice(0, 1));
    await eventually(() => lost() === 1);
    await acknowledge(reader.at(direct), ids.slice(1));
    expect(await acknowledging).toEqual({ acked: ids.slice(0, 1), notFound: [] });
    for (const at of [broker, direct]) expect(await search(reader.at(at))).toEqual([]);
  });

  test('to a read makes it read again', async () => {
    const id = await send(sender, reader, topicId);
    const lost = proxy.loseAnswer('Nats-Sequence');
    expect(idsOf(await search(reader))).toEqual([id]);
    expect(lost()).toBe(1);
  });
});

describe('a store that is away', () => {
  const calls = (): readonly (readonly [string, Fields])[] => [
    ['/messages', messageTo([reader.did], topicId)],
    [
      '/messages',
      messageTo(
        Array.from({ length: 300 }, (_none, index) => `did:example:${index}`),
        topicId,
      ),
    ],
    ['/messages/search', { clientId: 'reader' }],
  ];

  async function expectPatientRefusal(caller: Participant): Promise<void> {
    await Promise.all(
      calls().map(async ([path, body]) => {
        const startedAt = performance.now();
        const answer = await caller.request<ProblemAnswer>('POST', path, body);
        const seconds = (performance.now() - startedAt) / 1_000;
        expect(answer.body).toMatchObject({
          status: 503,
          returnCode: '20',
          code: 'message-store-unavailable',
        });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(seconds).toBeGreaterThan(4.5);
        expect(seconds).toBeLessThan(9);
      }),
    );
  }

  test('is waited for 5 s, then answered with 503 and Retry-After; work goes on when it is back', async () => {
    const ids = [await send(sender, reader, topicId), await send(sender, reader, topicId)];
    await search(reader);
    await acknowledge(reader, ids.slice(0, 1));
    proxy.refuse();
    // One that has never seen the store does the same as one that has lost it.
    const fresh = site.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` });
    await Promise.all([expectPatientRefusal(sender), expectPatientRefusal(sender.at(fresh))]);
    const waiting = send(sender, reader, topicId);
    proxy.pass();
    const late = await waiting;
    for (const at of [broker, fresh]) expect(idsOf(await search(reader.at(at)))).toEqual([ids[1], late]);
  });

  test('does not keep an instance from closing', async () => {
    proxy.refuse();
    const fresh = site.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` });
    void reader.at(fresh).request('POST', '/messages/search', { clientId: 'reader' });
    await fresh.close();
  });

  test('that falls silent for a while keeps no publish from being sent, once', async () => {
    const dropped = proxy.silence();
    const publishing = Promise.all([send(sender, reader, topicId), send(sender, reader, topicId)]);
    await eventually(() => dropped() > 1);
    proxy.pass();
    const ids = await publishing;
    expect([...idsOf(await search(reader))].sort()).toEqual([...ids].sort());
    expect(await stored()).toHaveLength(2);
  });

  test('that refuses the credentials is waited for like one that is away', async () => {
    const strict = await startNatsServer({ config: 'authorization { token: "wanted" }' });
    let port = strict.port;
    const front = await startTcpProxy(() => port);
    const fresh = site.start({ natsUrl: `nats://127.0.0.1:${front.port}` });
    const refusals = () => fresh.logLines.filter((line) => line.includes('AUTHORIZATION')).length;
    const waiting = search(reader.at(fresh));
    await eventually(() => refusals() > 0);
    port = server.port;
    expect(await waiting).toEqual([]);
    // Later too: a connection that was up is refused for a while.
    port = strict.port;
    front.reset();
    const before = refusals();
    await eventually(() => refusals() > before + 4);
    port = server.port;
    front.reset();
    await eventually(async () => {
      const again = await reader.at(fresh).request('POST', '/messages/search', { clientId: 'reader' });
      return again.status === 200;
    });
    await fresh.close();
    await front.close();
    await strict.stop();
  });
});
