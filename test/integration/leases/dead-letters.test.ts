// Dead letters beside the timer, with classes of seconds: they end with their messages, their senders are told, and
// the log says that there are some, and nothing of what is in them.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { receive, settle } from '../../support/broker-leases';
import { createTopic, search, send } from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const clientId = 'worker';

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let sender: Participant;
let reader: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite({
    SHARD_COUNT: '1',
    RETENTION_CLASSES: '3s,1h',
    DEFAULT_RETENTION_CLASS: '3s',
  });
  broker = site.start({ natsUrl: server.url });
});

beforeEach(async () => {
  [sender, reader] = await Promise.all([broker.logIn(), broker.logIn()]);
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

const deadLetters = async (): Promise<readonly { readonly messageId: string; readonly endsAt: string }[]> =>
  (await reader.request<{ messageId: string; endsAt: string }[]>('GET', `/clients/${clientId}/dead-letters`))
    .body;

const receipts = async (): Promise<readonly object[]> =>
  (await sender.request<{ receipts: object[] }>('GET', '/receipts')).body.receipts;

describe('a dead letter', () => {
  test('ends with its message, of which its sender is told that it has expired', async () => {
    const messageId = await send(sender, reader, topicId);
    await settle(reader, clientId, 'reject', await receive(reader, clientId), { reason: 'not now' });
    const [letter] = await deadLetters();
    expect(letter).toMatchObject({ messageId, reason: 'not now', deliveryCount: 1 });
    await eventually(async () => (await deadLetters()).length === 0);
    expect(Date.parse(letter?.endsAt ?? '')).toBeLessThanOrEqual(Date.now() + 1_000);
    const redriven = await reader.request('POST', `/clients/${clientId}/dead-letters/redrive`);
    expect(redriven.body).toEqual({ redriven: [], notFound: [] });
    await eventually(async () => {
      await broker.runTimer('retention');
      return (await receipts()).length > 0;
    });
    expect(await receipts()).toMatchObject([{ messageId, recipient: reader.did, outcome: 'expired' }]);
    expect(await search(reader, { clientId })).toEqual([]);
    const state = await reader.request('GET', `/clients/${clientId}`);
    expect(state.body).toMatchObject({ lag: 0, pending: 0, deadLetters: 0 });
  });

  test('that was deleted counts as acknowledged: its sender is told nothing', async () => {
    const messageId = await send(sender, reader, topicId);
    await settle(reader, clientId, 'reject', await receive(reader, clientId));
    const deleted = await reader.request('DELETE', `/clients/${clientId}/dead-letters`);
    expect(deleted.body).toEqual({ deleted: [messageId], notFound: [] });
    const last = await send(sender, reader, topicId);
    await eventually(async () => {
      await broker.runTimer('retention');
      return (await receipts()).length > 0;
    });
    expect(await receipts()).toMatchObject([{ messageId: last, outcome: 'expired' }]);
  });

  test.each([
    ['rejected', { maxDeliveries: 10 }],
    ['max-deliveries', { maxDeliveries: 1 }],
  ] as const)(
    'is logged with its cause, %s, and without payload, reason or token',
    async (cause, options) => {
      const before = broker.logLines.length;
      await reader.request('PUT', `/clients/${clientId}`, options);
      await send(sender, reader, topicId, { payload: 'secret-payload' });
      const leased = await receive(reader, clientId);
      if (cause === 'rejected') await settle(reader, clientId, 'reject', leased, { reason: 'secret-reason' });
      else {
        await settle(reader, clientId, 'release', leased);
        expect(await receive(reader, clientId)).toEqual([]);
      }
      expect(await deadLetters()).toHaveLength(1);
      const lines = broker.logLines.slice(before);
      const told = lines.filter((line) => line.includes('messages dead-lettered'));
      expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([{ clientId, count: 1, cause }]);
      for (const secret of ['secret-payload', 'secret-reason', leased[0]?.leaseToken ?? '?']) {
        expect(lines.join('\n')).not.toContain(secret);
      }
    },
  );

  test('regression: has the id of its message also after the key of new ids has changed', async () => {
    const newKey = `2:${randomBytes(32).toString('base64url')}`;
    const rotated = site.start({
      natsUrl: server.url,
      settings: { MESSAGE_ID_KEY: `${newKey},${site.settings['MESSAGE_ID_KEY'] ?? ''}` },
    });
    const messageId = await send(sender, reader, topicId, { ttlSeconds: 3_600 });
    await settle(reader, clientId, 'reject', await receive(reader, clientId), { reason: 'not now' });
    reader = reader.at(rotated);
    expect(await deadLetters()).toMatchObject([{ messageId }]);
    const redriven = await reader.request('POST', `/clients/${clientId}/dead-letters/redrive`);
    expect(redriven.body).toEqual({ redriven: [messageId], notFound: [] });
  });
});
