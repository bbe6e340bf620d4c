// Acknowledging as contract §0.2 and §3 promise it: every id in exactly one list, never an error for a bad one.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  idsOf,
  payloadsOf,
  type ProblemAnswer,
  search,
  send,
} from '../../support/broker-messages';
import { type BrokerStore, openBrokerStore } from '../../support/broker-store';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let store: BrokerStore;
let sender: Participant;
let reader: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  sender = await broker.logIn();
  topicId = await createTopic(sender);
  store = await openBrokerStore(server.url, site.settings);
});

beforeEach(async () => (reader = await broker.logIn()));

afterAll(async () => {
  await store.close();
  await site.close();
  await server.stop();
});

const say = (payload: string, recipient = reader) => send(sender, recipient, topicId, { payload });
const malformed = [
  '',
  ' ',
  'x',
  'null',
  '0'.repeat(23),
  '0'.repeat(25),
  'g'.repeat(24),
  '*',
  '>',
  'a.b',
  '\0',
  '😀',
  '\ud800',
  'did:ethr:volta:0x0',
  '__proto__',
  'constructor',
  'toString',
  '../../x',
  'x'.repeat(10_000),
];

describe('an acknowledgement', () => {
  test('regression: takes as many ids as can be pending, and no more', async () => {
    const id = await say('1');
    await search(reader);
    const others = Array.from({ length: 19_999 }, (_none, index) => `no id ${index}`);
    const { acked, notFound } = await acknowledge(reader, [...others, id]);
    expect([acked, notFound.length]).toEqual([[id], 19_999]);
    const body = { clientId: 'reader', messageIds: [...others, id, 'one more'] };
    const answer = await reader.request<ProblemAnswer>('POST', '/messages/ack', body);
    expect([answer.status, answer.body.returnCode]).toEqual([400, '17']);
  });

  test('takes messages out of the cursor, and is idempotent', async () => {
    const ids = [await say('1'), await say('2'), await say('3')];
    await search(reader);
    const first = ids.slice(0, 2);
    for (let round = 0; round < 3; round++) {
      expect(await acknowledge(reader, first)).toEqual({ acked: first, notFound: [] });
      expect(payloadsOf(await search(reader))).toEqual(['3']);
    }
    expect(await acknowledge(reader, ids)).toEqual({ acked: ids, notFound: [] });
    expect(await search(reader)).toEqual([]);
  });

  test('may come in any order, with ids that were acknowledged before', async () => {
    const ids = [await say('1'), await say('2'), await say('3'), await say('4')];
    await search(reader);
    await acknowledge(reader, [ids[2] ?? '']);
    const shuffled = [3, 2, 0].map((index) => ids[index] ?? '');
    const answer = await acknowledge(reader, shuffled);
    expect([...answer.acked].sort()).toEqual([...shuffled].sort());
    expect(payloadsOf(await search(reader))).toEqual(['2']);
  });

  test('names a repeated id once', async () => {
    const id = await say('1');
    await search(reader);
    expect(await acknowledge(reader, [id, 'bad', id, 'bad'])).toEqual({ acked: [id], notFound: ['bad'] });
  });

  test('of ids that are none is answered with 200 and every one of them in notFound', async () => {
    const answer = await acknowledge(reader, malformed);
    expect(answer.acked).toEqual([]);
    expect(new Set(answer.notFound)).toEqual(new Set(malformed));
    expect(answer.notFound).toHaveLength(malformed.length);
  });

  test('lets bad ids not harm the good ones among them', async () => {
    const ids = [await say('1'), await say('2')];
    await search(reader);
    const answer = await acknowledge(reader, [ids[0] ?? '', ...malformed, ids[1] ?? '']);
    expect(answer.acked).toEqual(ids);
    expect(new Set(answer.notFound)).toEqual(new Set(malformed));
    expect(await search(reader)).toEqual([]);
  });

  test('lets values that are no text not harm the good ids among them', async () => {
    const [sender, reader] = [await broker.logIn(), await broker.logIn()];
    const id = await send(sender, reader, await createTopic(sender));
    await search(reader);
    const answer = await reader.request('POST', '/messages/ack', {
      clientId: 'reader',
      messageIds: [null, 7, { id }, id],
    });
    expect(answer.body).toEqual({ acked: [id], notFound: ['null', '7', JSON.stringify({ id })] });
  });

  test('of an id in capitals is not found: ids are lower-case', async () => {
    let id = await say('1');
    while (!/[a-f]/.test(id)) id = await say('1');
    await search(reader);
    expect(await acknowledge(reader, [id.toUpperCase()])).toEqual({
      acked: [],
      notFound: [id.toUpperCase()],
    });
  });

  test('of somebody else’s message is not found, and changes nothing for either', async () => {
    const other = await broker.logIn();
    const [mine, theirs] = [await say('mine'), await say('theirs', other)];
    await Promise.all([search(reader), search(other)]);
    expect(await acknowledge(reader, [theirs])).toEqual({ acked: [], notFound: [theirs] });
    expect(await acknowledge(sender, [mine])).toEqual({ acked: [], notFound: [mine] });
    expect(payloadsOf(await search(other))).toEqual(['theirs']);
    expect(payloadsOf(await search(reader))).toEqual(['mine']);
  });

  test('of a guessed id is not found: each bit of an id is authenticated', async () => {
    const id = await say('1');
    await search(reader);
    const guesses = Array.from({ length: 96 }, (_none, bit) => {
      const bytes = Buffer.from(id, 'hex');
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return bytes.toString('hex');
    });
    expect(await acknowledge(reader, guesses)).toEqual({ acked: [], notFound: guesses });
    expect(payloadsOf(await search(reader))).toEqual(['1']);
  });

  test('of a message that this cursor never delivered is not found, and it stays deliverable', async () => {
    const [first, second] = [await say('1'), await say('2')];
    expect(await acknowledge(reader, [first])).toEqual({ acked: [], notFound: [first] });
    await search(reader, { amount: 1 });
    expect(await acknowledge(reader, [first, second])).toEqual({ acked: [first], notFound: [second] });
    expect(payloadsOf(await search(reader))).toEqual(['2']);
  });

  test('of a message that a filter passed over is not found, and it stays deliverable', async () => {
    const bob = await broker.logIn();
    const fromAlice = await say('Alice');
    const fromBob = await send(bob, reader, topicId, { payload: 'Bob' });
    await search(reader, { senderId: [bob.did] });
    expect(await acknowledge(reader, [fromAlice, fromBob])).toEqual({
      acked: [fromBob],
      notFound: [fromAlice],
    });
    expect(payloadsOf(await search(reader))).toEqual(['Alice']);
  });

  test('counts on its own client id and its own from alone', async () => {
    const id = await say('1');
    const cursors = [{}, { clientId: 'other' }, { from: '2026-01-01T00:00:00Z' }];
    for (const cursor of cursors) expect(await search(reader, cursor)).toHaveLength(1);
    expect(await acknowledge(reader, [id], cursors[1])).toEqual({ acked: [id], notFound: [] });
    expect(await search(reader, cursors[1])).toEqual([]);
    for (const cursor of [cursors[0], cursors[2]]) expect(await search(reader, cursor)).toHaveLength(1);
    const unused = { clientId: 'never-searched' };
    expect(await acknowledge(reader, [id], unused)).toEqual({ acked: [], notFound: [id] });
  });

  test('of a message from before its cursor’s from is not found', async () => {
    const id = await say('1');
    const future = { from: '2999-01-01T00:00:00Z' };
    expect(await search(reader, future)).toEqual([]);
    expect(await acknowledge(reader, [id], future)).toEqual({ acked: [], notFound: [id] });
  });

  test('is seen at once by another instance', async () => {
    const other = site.start({ natsUrl: server.url });
    const id = await say('1');
    await search(reader);
    await search(reader.at(other));
    await acknowledge(reader, [id]);
    expect(await search(reader.at(other))).toEqual([]);
    expect(await acknowledge(reader.at(other), [id])).toEqual({ acked: [id], notFound: [] });
  });

  test.each([
    ['an empty list', []],
    ['no list', undefined],
    ['null', null],
  ])('of nothing, given as %s, has two empty lists', async (_name, messageIds) => {
    const answer = await reader.request('POST', '/messages/ack', { clientId: 'reader', messageIds });
    expect(answer).toMatchObject({ status: 200, body: { acked: [], notFound: [] } });
  });

  test('of one id given as a text is taken for a list of one', async () => {
    const id = await say('1');
    await search(reader);
    const answer = await reader.request('POST', '/messages/ack', { clientId: 'reader', messageIds: id });
    expect(answer.body).toEqual({ acked: [id], notFound: [] });
  });

  test('may name 300 and 10,000 ids at once', async () => {
    const payloads = Array.from({ length: 10_300 }, (_none, index) => String(index));
    await store.append(sender.did, reader.did, topicId, payloads);
    const found = await search(reader, { amount: 20_000 });
    expect(payloadsOf(found)).toEqual(payloads);
    const ids = idsOf(found);
    for (const part of [ids.slice(0, 300), ids.slice(300)]) {
      const bad = [...part.slice(0, 5).map((id) => `${id.slice(1)}x`)];
      const answer = await acknowledge(reader, [...bad, ...part]);
      expect(answer.acked).toEqual(part);
      expect(answer.notFound).toEqual(bad);
    }
    expect(await search(reader)).toEqual([]);
    expect((await acknowledge(reader, ids)).acked).toHaveLength(10_300);
  });

  test('of 2,000 ids that were never delivered asks the store for each, and finds none', async () => {
    const payloads = Array.from({ length: 2_000 }, (_none, index) => String(index));
    await store.append(sender.did, reader.did, topicId, payloads);
    const ids = idsOf(await search(reader, { amount: 2_000 }));
    const answer = await acknowledge(reader, ids, { clientId: 'other' });
    expect(answer.acked).toEqual([]);
    expect(answer.notFound).toEqual(ids);
    expect(await search(reader, { clientId: 'other', amount: 2_000 })).toHaveLength(2_000);
  });

  test('refuses the mailbox of an anonymous key that the caller has not registered', async () => {
    const body = { clientId: 'reader', messageIds: ['0'.repeat(24)], anonymousRecipient: 'a-key' };
    const answer = await reader.request<ProblemAnswer>('POST', '/messages/ack', body);
    expect(answer.body).toMatchObject({ status: 403, returnCode: '10' });
  });
});
