// Leases on real NATS with two instances: each message has one holder at a time, what a token may do and what not,
// dead letters, seek, and what a client id tells of itself.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { receive, settle } from '../../support/broker-leases';
import { acknowledge, createTopic, idsOf, search, send } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

let server: NatsServer;
let site: BrokerSite;
let one: Broker;
let other: Broker;
let sender: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  one = site.start({ natsUrl: server.url });
  other = site.start({ natsUrl: server.url });
  sender = await one.logIn();
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

const clientId = 'workers';

/** A reader with some messages. */
async function readerWith(count: number): Promise<{ reader: Participant; ids: readonly string[] }> {
  const reader = await one.logIn();
  const ids: string[] = [];
  for (let number = 0; number < count; number++) {
    ids.push(await send(sender, reader, topicId, { payload: JSON.stringify(number) }));
  }
  return { reader, ids };
}

const idOf = (leased: { readonly message: { readonly messageId: string } }): string =>
  leased.message.messageId;

interface ClientAnswer {
  readonly clientId: string;
  readonly maxDeliveries: number;
  readonly lag: number;
  readonly oldestUnackedSeconds: number | null;
  readonly pending: number;
  readonly leased: number;
  readonly deadLetters: number;
}

async function clientOf(reader: Participant): Promise<ClientAnswer> {
  return (await reader.request<ClientAnswer>('GET', `/clients/${clientId}`)).body;
}

async function seek(reader: Participant, to: string): Promise<number> {
  return (await reader.request('POST', `/clients/${clientId}/seek`, { to })).status;
}

const deadLettersOf = async (reader: Participant) =>
  (
    await reader.request<{ messageId: string; reason: string; deliveryCount: number }[]>(
      'GET',
      `/clients/${clientId}/dead-letters`,
    )
  ).body;

describe('a leased message', () => {
  test('is given to nobody else, is still seen by a search, and is gone once it is acknowledged', async () => {
    const { reader, ids } = await readerWith(5);
    const first = await receive(reader, clientId, { max: 2 });
    const second = await receive(reader.at(other), clientId, { max: 10 });
    expect([...first, ...second].map(idOf)).toEqual(ids);
    expect(first[0]?.deliveryCount).toBe(1);
    expect(first[0]?.message.payload).toBe('0');
    expect(await receive(reader, clientId, { max: 10 })).toEqual([]);
    expect(idsOf(await search(reader, { clientId, amount: 10 }))).toEqual(ids);
    const done = await settle(reader, clientId, 'acknowledge', [...first, ...second]);
    expect(done.failed).toEqual([]);
    expect(done.succeeded).toHaveLength(5);
    expect(await search(reader, { clientId, amount: 10 })).toEqual([]);
    expect(await clientOf(reader)).toMatchObject({ lag: 0, oldestUnackedSeconds: null, leased: 0 });
  });

  test('comes back in its place when it is released, and later when a delay is asked for', async () => {
    const { reader, ids } = await readerWith(3);
    const leased = await receive(reader, clientId, { max: 3 });
    await settle(reader, clientId, 'release', leased.slice(0, 1));
    await settle(reader, clientId, 'release', leased.slice(1, 2), { delaySeconds: 3_600 });
    const again = await receive(reader, clientId, { max: 3 });
    expect(again.map(idOf)).toEqual(ids.slice(0, 1));
    expect(again[0]?.deliveryCount).toBe(2);
    // A released lease is no lease.
    const late = await settle(reader, clientId, 'acknowledge', leased.slice(0, 2));
    expect(late.failed.map(({ code }) => code)).toEqual(['lease-lost', 'lease-lost']);
    expect(idsOf(await search(reader, { clientId, amount: 10 }))).toEqual(ids);
  });

  test('is read by the fields of a filter or by a channel, and never by an outbound one', async () => {
    const reader = await one.logIn();
    const third = await one.logIn();
    const fromSender = await send(sender, reader, topicId);
    const fromThird = await send(third, reader, topicId);
    await reader.request('PUT', '/channels/in', { type: 'sub', dids: [third.did], topics: [topicId] });
    await reader.request('PUT', '/channels/out', { type: 'pub', dids: [third.did] });
    expect((await receive(reader, 'by-channel', { max: 5, channel: 'in' })).map(idOf)).toEqual([fromThird]);
    const bySender = await receive(reader, 'by-sender', { max: 5, senderIds: [sender.did] });
    expect(bySender.map(idOf)).toEqual([fromSender]);
    const refused = await reader.request('POST', '/clients/x/receive', { channel: 'out' });
    expect(refused.status).toBe(400);
    const unknown = await reader.request('POST', '/clients/x/receive', { channel: 'none' });
    expect(unknown.status).toBe(404);
  });

  test('acknowledged by its id fails by its token, and the other way round nothing changes', async () => {
    const { reader, ids } = await readerWith(2);
    const leased = await receive(reader, clientId, { max: 2 });
    await acknowledge(reader, ids.slice(0, 1), { clientId });
    const settled = await settle(reader, clientId, 'acknowledge', leased);
    expect(settled.succeeded).toEqual([leased[1]?.leaseToken]);
    expect(settled.failed).toMatchObject([{ leaseToken: leased[0]?.leaseToken, code: 'message-settled' }]);
    const again = await acknowledge(reader, ids, { clientId });
    expect(again).toEqual({ acked: [...ids], notFound: [] });
  });
});

describe('a lease token', () => {
  test('that is forged, altered, cut, foreign or repeated fails by itself and changes nothing', async () => {
    const { reader, ids } = await readerWith(2);
    const stranger = await one.logIn();
    await send(sender, stranger, topicId);
    const [foreign] = await receive(stranger, clientId);
    const [first, second] = await receive(reader, clientId, { max: 2 });
    const [elsewhere] = await receive(reader, 'another');
    const token = first?.leaseToken ?? '';
    const flipped = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`;
    const bad = [
      'x',
      '',
      `${token}A`,
      flipped,
      token.slice(0, -2),
      foreign?.leaseToken ?? '',
      elsewhere?.leaseToken ?? '',
    ];
    for (const action of ['acknowledge', 'release', 'reject', 'renew'] as const) {
      const answer = await settle(reader, clientId, action, bad);
      expect(answer.succeeded).toEqual([]);
      expect(answer.failed.map(({ code }) => code)).toEqual(bad.map(() => 'invalid-token'));
    }
    expect(await receive(reader, clientId, { max: 2 })).toEqual([]);
    const twice = await settle(reader, clientId, 'acknowledge', [token, token, ...bad]);
    expect(twice.succeeded).toEqual([token]);
    const later = await settle(reader, clientId, 'acknowledge', [token]);
    expect(later.failed).toMatchObject([{ code: 'message-settled' }]);
    expect(idsOf(await search(reader, { clientId, amount: 10 }))).toEqual(ids.slice(1));
    expect((await settle(reader, clientId, 'acknowledge', [second?.leaseToken ?? ''])).failed).toEqual([]);
  });

  test('of ten thousand gets an outcome each', async () => {
    const { reader } = await readerWith(1);
    const [leased] = await receive(reader, clientId);
    const tokens = Array.from({ length: 9_999 }, (_none, number) => `none-${number}`);
    const answer = await settle(reader, clientId, 'acknowledge', [...tokens, leased?.leaseToken ?? '']);
    expect(answer.succeeded).toHaveLength(1);
    expect(answer.failed).toHaveLength(9_999);
  });

  test('of a client id that does not exist is 404, for every call but receive', async () => {
    const { reader } = await readerWith(1);
    const body = { leaseTokens: ['x'] };
    for (const action of ['acknowledge', 'release', 'reject', 'renew']) {
      expect((await reader.request('POST', `/clients/none/${action}`, body)).status).toBe(404);
    }
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/dead-letters'],
      ['DELETE', '/dead-letters'],
      ['POST', '/dead-letters/redrive'],
    ] as const) {
      expect((await reader.request(method, `/clients/none${path}`)).status).toBe(404);
    }
    expect((await reader.request('POST', '/clients/none/seek', { to: 'end' })).status).toBe(404);
    expect(await receive(reader, 'none')).toHaveLength(1);
    expect((await reader.request('GET', '/clients/none')).status).toBe(200);
  });

  test('renewed stays the same token and holds longer', async () => {
    const { reader } = await readerWith(1);
    const [leased] = await receive(reader, clientId, { leaseSeconds: 10 });
    const token = leased?.leaseToken ?? '';
    expect((await settle(reader, clientId, 'renew', [token], { leaseSeconds: 43_200 })).succeeded).toEqual([
      token,
    ]);
    expect((await settle(reader, clientId, 'acknowledge', [token])).succeeded).toEqual([token]);
  });
});

describe('a message that is given up', () => {
  test('after a reject is a dead letter with its reason, which can be redriven or deleted', async () => {
    const { reader, ids } = await readerWith(3);
    const leased = await receive(reader, clientId, { max: 3 });
    await settle(reader, clientId, 'reject', leased, { reason: 'not ours: “å”' });
    expect(await search(reader, { clientId, amount: 10 })).toEqual([]);
    expect(await receive(reader, clientId, { max: 3 })).toEqual([]);
    expect(await deadLettersOf(reader)).toMatchObject(
      ids.map((messageId) => ({ messageId, reason: 'not ours: “å”', deliveryCount: 1 })),
    );
    expect(await clientOf(reader)).toMatchObject({ lag: 0, deadLetters: 3 });
    const [first = '', second = ''] = ids;
    const redriven = await reader.request('POST', `/clients/${clientId}/dead-letters/redrive`, {
      messageIds: [first, 'x'],
    });
    expect(redriven.body).toEqual({ redriven: [first], notFound: ['x'] });
    const [again] = await receive(reader, clientId, { max: 3 });
    expect(again).toMatchObject({ deliveryCount: 1, message: { messageId: first } });
    const deleted = await reader.request('DELETE', `/clients/${clientId}/dead-letters`, {
      messageIds: [second],
    });
    expect(deleted.body).toEqual({ deleted: [second], notFound: [] });
    expect(await acknowledge(reader, [second], { clientId })).toEqual({
      acked: [second],
      notFound: [],
    });
    const rest = await reader.request('POST', `/clients/${clientId}/dead-letters/redrive`);
    expect(rest.body).toEqual({ redriven: ids.slice(2), notFound: [] });
  });

  test('after its last delivery is one too', async () => {
    const { reader, ids } = await readerWith(1);
    const put = await reader.request('PUT', `/clients/${clientId}`, { maxDeliveries: 2 });
    expect(put.body).toMatchObject({ clientId, maxDeliveries: 2, lag: 1, deadLetters: 0 });
    for (const deliveryCount of [1, 2]) {
      const leased = await receive(reader, clientId);
      expect(leased).toMatchObject([{ deliveryCount }]);
      await settle(reader, clientId, 'release', leased);
    }
    expect(await receive(reader, clientId)).toEqual([]);
    expect(await deadLettersOf(reader)).toMatchObject([
      { messageId: ids[0], reason: 'max-deliveries', deliveryCount: 2 },
    ]);
  });
});

describe('seek', () => {
  test('to the beginning, an instant or the end moves one client id and no other', async () => {
    const { reader, ids } = await readerWith(2);
    const before = await search(reader, { clientId: 'witness', amount: 10 });
    await acknowledge(reader, ids, { clientId: 'witness' });
    await settle(reader, clientId, 'acknowledge', await receive(reader, clientId, { max: 10 }));
    expect(await seek(reader, 'beginning')).toBe(200);
    const again = await receive(reader, clientId, { max: 10 });
    expect(again.map(idOf)).toEqual(ids);
    expect(await search(reader, { clientId: 'witness', amount: 10 })).toEqual([]);
    const second = new Date(Math.round((before[1]?.timestampNanos ?? 0) / 1e6));
    expect(await seek(reader, second.toISOString())).toBe(200);
    const late = await receive(reader, clientId, { max: 10 });
    expect(late.map(idOf).at(-1)).toBe(ids[1]);
    // Leases of before are no leases any more.
    const lost = await settle(reader, clientId, 'acknowledge', again.slice(1));
    expect(lost.failed).toMatchObject([{ code: 'lease-lost' }]);
    expect(await seek(reader, 'end')).toBe(200);
    expect(await receive(reader, clientId, { max: 10 })).toEqual([]);
    expect(await clientOf(reader)).toMatchObject({ lag: 0 });
    const next = await send(sender, reader, topicId);
    expect((await receive(reader, clientId, { max: 10 })).map(idOf)).toEqual([next]);
  });

  test('into the future, or to no place at all, is refused', async () => {
    const { reader } = await readerWith(1);
    await receive(reader, clientId);
    expect(await seek(reader, new Date(Date.now() + 60_000).toISOString())).toBe(400);
    expect(await seek(reader, 'middle')).toBe(400);
    expect(await seek(reader, '2026-01-01')).toBe(400);
  });
});

describe('a client id', () => {
  test('tells its lag also when parts of its mailbox were read further than others', async () => {
    const { reader, ids } = await readerWith(4);
    const third = await one.logIn();
    for (let number = 0; number < 3; number++) await send(third, reader, topicId);
    const leased = await receive(reader, clientId, { max: 2, senderIds: [sender.did] });
    await settle(reader, clientId, 'acknowledge', leased.slice(0, 1));
    const state = await clientOf(reader);
    expect(state).toMatchObject({ lag: 6, pending: 1, leased: 1 });
    expect(state.oldestUnackedSeconds).toBeGreaterThanOrEqual(0);
    const listed = await reader.request<ClientAnswer[]>('GET', '/clients');
    expect(listed.body).toMatchObject([{ clientId, lag: 6 }]);
    expect(ids).toHaveLength(4);
    expect((await reader.request('DELETE', `/clients/${clientId}`)).status).toBe(200);
    expect((await reader.request<ClientAnswer[]>('GET', '/clients')).body).toEqual([]);
  });

  test('is listed with the others, page by page', async () => {
    const reader = await one.logIn();
    for (const name of ['c', 'a', 'b']) await reader.request('PUT', `/clients/${name}`);
    const page = async (query: string) => {
      const { body } = await reader.request<ClientAnswer[]>('GET', `/clients?${query}`);
      return body.map((client) => client.clientId);
    };
    expect(await page('limit=2')).toEqual(['a', 'b']);
    expect(await page('limit=2&after=b')).toEqual(['c']);
    expect(await page('after=c')).toEqual([]);
    expect((await reader.request('GET', '/clients?limit=1001')).status).toBe(400);
  });
});
