// Client ids and anonymous keys by name, on real NATS with two instances: listed verbatim, removed exactly, forgotten
// when idle.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  idsOf,
  messageTo,
  publish,
  search,
  send,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

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

async function listed(participant: Participant): Promise<readonly string[]> {
  const answer = await participant.request<string[]>('GET', '/channel/clientIds');
  expect(answer.status).toBe(200);
  return answer.body;
}

async function use(participant: Participant, ...clientIds: readonly string[]): Promise<void> {
  for (const clientId of clientIds) await search(participant, { clientId });
}

async function remove(participant: Participant, path: string, body?: unknown): Promise<number> {
  return (await participant.request('DELETE', path, body)).status;
}

const named = (name: string): string => `/channel/clientIds/${encodeURIComponent(name)}`;
const newKey = (): string => randomBytes(12).toString('hex');

async function register(participant: Participant, key: string): Promise<string> {
  const body = { anonymousKeys: [{ anonymousKey: key }] };
  const answer = await participant.request<{ status: { status: string }[] }>(
    'POST',
    '/channel/initExtChannel',
    body,
  );
  return answer.body.status[0]?.status ?? '';
}

const searchKey = (participant: Participant, anonymousRecipient: string) =>
  participant.request<unknown[]>('POST', '/messages/search', {
    clientId: 'reader',
    amount: 100,
    anonymousRecipient,
  });

describe('client ids', () => {
  test('are listed verbatim from their first search on, on every instance', async () => {
    const reader = await one.logIn();
    expect(await listed(reader)).toEqual([]);
    const ids = [
      'WS_CONSUMER',
      'app1:my.channel',
      'undefined:fqcn',
      '*',
      '>',
      'a.b',
      'a_b',
      'A.b',
      '-',
      'x'.repeat(255),
    ];
    await use(reader, ...ids);
    expect(await listed(reader.at(other))).toEqual([...ids].sort());
    await use(reader.at(other), ...ids);
    expect(await listed(reader)).toEqual([...ids].sort());
  });

  test('are those of the participant’s own mailbox alone', async () => {
    const [reader, stranger] = await Promise.all([one.logIn(), one.logIn()]);
    const key = newKey();
    await register(reader, key);
    await use(reader, 'mine');
    await searchKey(reader, key);
    await reader.request('POST', '/messages/internal/search', { clientId: 'for-keys' });
    expect(await listed(reader)).toEqual(['mine']);
    expect(await listed(stranger)).toEqual([]);
  });

  test('many more than one batch are listed', async () => {
    const reader = await one.logIn();
    const ids = Array.from({ length: 1_100 }, (_, index) => `reader-${index}`);
    for (let start = 0; start < ids.length; start += 100) {
      await Promise.all(ids.slice(start, start + 100).map((clientId) => use(reader, clientId)));
    }
    expect(await listed(reader)).toEqual([...ids].sort());
  }, 30_000);

  test('regression, client ids deleted by substring: exactly the named ones go, with their cursors', async () => {
    const [reader, stranger] = await Promise.all([one.logIn(), one.logIn()]);
    const ids = ['app', 'app:1', 'xapp', 'APP', '*', '>', 'app.'];
    await use(stranger, ...ids);
    const id = await send(sender, reader, topicId);
    for (const clientId of ids) {
      await search(reader, { clientId });
      await search(reader, { clientId, from: '2020-01-01T00:00:00Z' });
      await acknowledge(reader, [id], { clientId });
    }
    expect(
      await remove(reader, '/channel/clientIds', { clientIds: ['app', '*', 'unknown', 'ap', 'app'] }),
    ).toBe(200);
    const left = ['APP', 'app.', 'app:1', 'xapp', '>'].sort();
    expect(await listed(reader)).toEqual(left);
    expect(await listed(stranger)).toEqual([...ids].sort());
    // A removed one begins anew, the others stand where they stood.
    for (const clientId of left) expect(await search(reader, { clientId })).toEqual([]);
    for (const clientId of ['app', '*']) expect(idsOf(await search(reader, { clientId }))).toEqual([id]);
    // Also those that began at an instant.
    const from = '2020-01-01T00:00:00Z';
    await acknowledge(reader, [id], { clientId: 'app:1', from });
    expect(await search(reader, { clientId: 'app:1', from })).toEqual([]);
    expect(await remove(reader.at(other), named('app:1'))).toBe(200);
    expect(idsOf(await search(reader, { clientId: 'app:1', from }))).toEqual([id]);
  });

  test.each<[string, unknown]>([
    ['no body', undefined],
    ['an empty body', ''],
    ['null', 'null'],
    ['an empty object', {}],
    ['null for the list', { clientIds: null }],
    ['an empty list', { clientIds: [] }],
    [
      'others’ and hostile names',
      { clientIds: ['', '*', '>', '.', '%', '😀', '\ud800', '\u0000', '__proto__'] },
    ],
  ])('stay when the removal has %s', async (_case, body) => {
    const reader = await one.logIn();
    await use(reader, 'stays');
    expect(await remove(reader, '/channel/clientIds', body)).toBe(200);
    expect(await listed(reader)).toEqual(['stays']);
  });

  test.each<[string, unknown]>([
    ['a number', 7],
    ['a list', []],
    ['an object for the list', { clientIds: {} }],
    ['numbers', { clientIds: [1] }],
    ['too long a name', { clientIds: ['x'.repeat(256)] }],
    ['too many', { clientIds: Array.from({ length: 1_001 }, (_, index) => `c${index}`) }],
  ])('are not removed by %s', async (_case, body) => {
    expect(await remove(sender, '/channel/clientIds', body)).toBe(400);
  });

  test('are removed by name, with and without a body, however it is written', async () => {
    const reader = await one.logIn();
    const ids = ['app1:my.channel', 'a>b', 'a*b', '.dots.', '%41', 'A'];
    for (const [index, clientId] of ids.filter((id) => !id.includes('%')).entries()) {
      await use(reader, clientId);
      const path = index % 2 ? `/channel/stream/${encodeURIComponent(clientId)}` : named(clientId);
      expect(await remove(reader, path, index % 3 ? { any: 'thing' } : undefined)).toBe(200);
      expect(await listed(reader)).toEqual([]);
      expect(await remove(reader, path)).toBe(200);
    }
    // Decoded once, not twice.
    await use(reader, 'A');
    expect(await remove(reader, named('%41'))).toBe(200);
    expect(await listed(reader)).toEqual(['A']);
    expect(await remove(reader, '/channel/clientIds/%41')).toBe(200);
    expect(await listed(reader)).toEqual([]);
    for (const path of ['/channel/clientIds/%00', '/channel/clientIds/%ff', named('x'.repeat(256))]) {
      expect(await remove(reader, path)).toBe(400);
    }
  });

  test('come back when they are used again after a removal elsewhere', async () => {
    const reader = await one.logIn();
    await use(reader, 'busy');
    await remove(reader, named('busy'));
    await use(reader, 'busy');
    expect(await listed(reader)).toEqual(['busy']);
  });
});

describe('removing an anonymous key', () => {
  test.each(['/channel/clientIds/', '/channel/stream/'])(
    'through %s removes its mailbox: registered anew it is another, empty one',
    async (path) => {
      const [owner, next] = await Promise.all([one.logIn(), one.logIn()]);
      const key = newKey();
      await register(owner, key);
      await publish(sender, messageTo([], topicId, { anonymousRecipient: [key] }));
      expect((await searchKey(owner, key)).body).toHaveLength(1);
      expect(await remove(owner, `${path}${key}`)).toBe(200);
      expect((await searchKey(owner, key)).status).toBe(403);
      const refused = await publish(sender, messageTo([], topicId, { anonymousRecipient: [key] }));
      expect(refused.recipients).toEqual({ total: 1, sent: 0, failed: 1 });
      expect(await register(next, key)).toBe('Success');
      expect((await searchKey(next, key)).body).toEqual([]);
      expect((await searchKey(owner, key)).status).toBe(403);
    },
  );

  test('leaves other keys and their messages: old keys live until they are removed', async () => {
    const owner = await one.logIn();
    const [old, fresh] = [newKey(), newKey()];
    await register(owner, old);
    await publish(sender, messageTo([], topicId, { anonymousRecipient: [old] }));
    await register(owner, fresh);
    await publish(sender, messageTo([], topicId, { anonymousRecipient: [old, fresh] }));
    expect((await searchKey(owner, old)).body).toHaveLength(2);
    expect(await remove(owner, named(old))).toBe(200);
    expect((await searchKey(owner, fresh)).body).toHaveLength(1);
  });

  test('is for its owner alone, who keeps also a client id of that name', async () => {
    const [owner, stranger] = await Promise.all([one.logIn(), one.logIn()]);
    const name = newKey();
    await register(owner, name);
    expect(await remove(stranger, named(name))).toBe(403);
    expect(await remove(stranger, `/channel/stream/${name}`)).toBe(403);
    expect((await searchKey(owner, name)).status).toBe(200);
    // Nobody keeps another from its own client id by registering a key of that name.
    await use(stranger, name);
    expect(await remove(stranger, named(name))).toBe(200);
    expect(await listed(stranger)).toEqual([]);
    expect((await searchKey(owner, name)).status).toBe(200);
    // The key first, then the client id.
    await use(owner, name);
    expect(await remove(owner, named(name))).toBe(200);
    expect(await listed(owner)).toEqual([name]);
    expect(await remove(owner, named(name))).toBe(200);
    expect(await listed(owner)).toEqual([]);
  });

  test('takes a registration by another in between for what it is', async () => {
    const crowd = await Promise.all(Array.from({ length: 6 }, () => one.logIn()));
    const key = newKey();
    for (let turn = 0; turn < 10; turn++) {
      await Promise.all(
        crowd.flatMap((participant, index) => [
          register(participant.at(index % 2 ? one : other), key),
          remove(participant, named(key)),
        ]),
      );
      const owners = await Promise.all(
        crowd.map(async (participant) => (await searchKey(participant, key)).status),
      );
      expect(owners.filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    }
  }, 20_000);
});
