// Payloads that lie in Blob, as a receive hands them out: by a link that reads this one and nothing else, or inline.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { receive, settle } from '../../support/broker-leases';
import { createTopic, send } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const clientId = 'worker';
const large = '€"\\\u0000😀'.repeat(250_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let broker: Broker;
let sender: Participant;
let reader: Participant;
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({ SHARD_COUNT: '1', BLOB_CONNECTION_STRING: azurite.connectionString });
  broker = site.start({ natsUrl: server.url });
  sender = await broker.logIn();
  topicId = await createTopic(sender);
});

beforeEach(async () => (reader = await broker.logIn()));

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

describe('a payload above 2 MiB', () => {
  test('is handed out as a reference that brings exactly its JSON string, and no other message has one', async () => {
    await send(sender, reader, topicId, { payload: 'small' });
    await send(sender, reader, topicId, { payload: large });
    const [small, found] = (await receive(reader, clientId, { max: 2 })).map(({ message }) => message);
    expect(small).toMatchObject({ payload: 'small' });
    expect(small).not.toHaveProperty('payloadReference');
    expect(found).not.toHaveProperty('payload');
    const { url = '', length, sha256, expiresAt = '' } = found?.payloadReference ?? {};
    const answer = await fetch(url);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.status).toBe(200);
    expect(bytes.byteLength).toBe(length);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    expect(JSON.parse(bytes.toString()) === large).toBe(true);
    const lifeMs = Date.parse(expiresAt) - Date.now();
    expect(lifeMs).toBeGreaterThan(0);
    expect(lifeMs).toBeLessThanOrEqual(15 * 60_000);
  });

  test('has a link that cannot read what is another’s, nor change or list anything', async () => {
    const stranger = await broker.logIn();
    await send(sender, reader, topicId, { payload: large });
    await send(sender, stranger, topicId, { payload: `${large}!` });
    const [own] = await receive(reader, clientId);
    const [foreign] = await receive(stranger, clientId);
    const link = new URL(own?.message.payloadReference?.url ?? '');
    const other = new URL(foreign?.message.payloadReference?.url ?? '');
    expect(other.pathname).not.toBe(link.pathname);
    other.search = link.search;
    expect((await fetch(other)).status).toBe(403);
    expect((await fetch(link, { method: 'DELETE' })).status).toBe(403);
    const replaced = { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body: 'x' };
    expect((await fetch(link, replaced)).status).toBe(403);
    const container = new URL(link);
    container.pathname = link.pathname.slice(0, link.pathname.lastIndexOf('/'));
    container.search = `${link.search}&restype=container&comp=list`;
    expect((await fetch(container)).status).toBe(403);
    expect((await fetch(link)).status).toBe(200);
  });

  test('comes inline when that is asked for, and is read again after it was given back', async () => {
    await send(sender, reader, topicId, { payload: large });
    const leased = await receive(reader, clientId, { inline: true });
    expect(leased[0]?.message.payload === large).toBe(true);
    expect(leased[0]?.message).not.toHaveProperty('payloadReference');
    await settle(reader, clientId, 'release', leased);
    const [again] = await receive(reader, clientId);
    expect(again?.deliveryCount).toBe(2);
    expect(again?.message.payloadReference?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is never in a log line, nor is its link', async () => {
    await send(sender, reader, topicId, { payload: large });
    const [leased] = await receive(reader, clientId);
    const signature = new URL(leased?.message.payloadReference?.url ?? '').searchParams.get('sig') ?? '';
    expect(signature).not.toBe('');
    const lines = broker.logLines.join('\n');
    expect(lines).not.toContain(signature);
    expect(lines).not.toContain(encodeURIComponent(signature));
    expect(lines).not.toContain(large.slice(0, 50));
  });

  test('regression: that cannot be read now leaves its message unleased, and nothing was delivered', async () => {
    const elsewhere =
      'DefaultEndpointsProtocol=http;AccountName=none;AccountKey=bm9uZQ==;BlobEndpoint=http://127.0.0.1:1/none;';
    const cut = site.start({ natsUrl: server.url, settings: { BLOB_CONNECTION_STRING: elsewhere } });
    const onlyDelivery = { maxDeliveries: 1 };
    expect((await reader.request('PUT', `/clients/${clientId}`, onlyDelivery)).status).toBe(200);
    await send(sender, reader, topicId, { payload: large });
    const failed = await reader.at(cut).request('POST', `/clients/${clientId}/receive`, { inline: true });
    expect(failed.status).toBe(503);
    expect(await receive(reader, clientId)).toMatchObject([{ deliveryCount: 1 }]);
  });
});
