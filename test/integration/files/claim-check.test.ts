// Payloads beyond what the message store takes, and payloads to many: once in Blob, inline in every answer.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { BlobServiceClient } from '@azure/storage-blob';
import { maxClaimedPayloadBytes, maxPayloadBytes } from '../../../shared/messages';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  idsOf,
  messageTo,
  payloadsOf,
  type ProblemAnswer,
  publish,
  search,
  send,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

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

beforeEach(async () => {
  reader = await broker.logIn();
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const payloads = () =>
  BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('ddhub-payloads');

async function storedPayloads(): Promise<readonly string[]> {
  const names: string[] = [];
  if (!(await payloads().exists())) return names;
  for await (const { name } of payloads().listBlobsFlat()) names.push(name);
  return names;
}

const large = '€"\\\u0000😀'.repeat(250_000);

describe('a payload above 2 MiB', () => {
  test('comes back inline and byte for byte, in the same shape as any other', async () => {
    expect(Buffer.byteLength(large)).toBeGreaterThan(maxPayloadBytes);
    await send(sender, reader, topicId, { payload: 'small', signature: 's' });
    await send(sender, reader, topicId, { payload: large, signature: 's', transactionId: 't' });
    const [small, found] = await search(reader);
    expect(found?.payload === large).toBe(true);
    expect(Object.keys(found ?? {}).sort()).toEqual([...Object.keys(small ?? {}), 'transactionId'].sort());
    expect(await search(reader, { amount: 1 })).toHaveLength(1);
    expect((await acknowledge(reader, idsOf(await search(reader)))).acked).toHaveLength(2);
  });

  test('may have 8 MiB in UTF-8 exactly, and a larger one is told where to go', async () => {
    const full = 'x'.repeat(maxClaimedPayloadBytes);
    await send(sender, reader, topicId, { payload: full });
    expect((await search(reader))[0]?.payload === full).toBe(true);
    const message = messageTo([reader.did], topicId, { payload: `${full}x` });
    const answer = await sender.request<ProblemAnswer & { detail: string }>('POST', '/messages', message);
    expect([answer.status, answer.body.code]).toEqual([413, 'payload-too-large']);
    expect(answer.body.detail).toContain('/files');
  });

  test('counts towards the 16 MiB of an answer', async () => {
    const each = [1, 2, 3, 4].map((digit) => String(digit).repeat(6 * 1024 * 1024));
    for (const payload of each) await send(sender, reader, topicId, { payload });
    const first = await search(reader);
    expect(first).toHaveLength(2);
    await acknowledge(reader, idsOf(first));
    const rest = await search(reader);
    expect([...payloadsOf(first), ...payloadsOf(rest)].map((payload) => payload[0])).toEqual([
      '1',
      '2',
      '3',
      '4',
    ]);
  });

  test('is validated like any other when it is not encrypted', async () => {
    const strict = await createTopic(sender, '{"type":"object","required":["text"]}');
    const request = (payload: string) =>
      sender.request(
        'POST',
        '/messages',
        messageTo([reader.did], strict, { payload, payloadEncryption: false }),
      );
    const filler = ' '.repeat(3 * 1024 * 1024);
    expect((await request(`{"text":1}${filler}`)).status).toBe(200);
    expect((await request(`{}${filler}`)).body).toMatchObject({ code: 'schema-violation' });
  });

  test('is stored once, whoever receives it, and not at all when nobody can', async () => {
    const readers = await Promise.all([broker.logIn(), broker.logIn()]);
    const before = await storedPayloads();
    await publish(
      sender,
      messageTo(
        [reader, ...readers].map(({ did }) => did),
        topicId,
        { payload: large },
      ),
    );
    const after = await storedPayloads();
    expect(after).toHaveLength(before.length + 1);
    for (const each of readers) expect((await search(each))[0]?.payload === large).toBe(true);
    await publish(sender, messageTo(['did:ethr:volta:0xnobody'], topicId, { payload: large }));
    expect(await storedPayloads()).toEqual(after);
  });
});

describe('a payload to many', () => {
  test('is stored once when recipients times bytes are above the setting', async () => {
    const thrifty = site.start({ natsUrl: server.url, settings: { CLAIM_CHECK_FAN_OUT_BYTES: '1048576' } });
    const readers = await Promise.all(Array.from({ length: 11 }, () => broker.logIn()));
    const payload = 'x'.repeat(100_000);
    const before = await storedPayloads();
    await publish(
      sender.at(thrifty),
      messageTo(
        readers.slice(1).map(({ did }) => did),
        topicId,
        { payload },
      ),
    );
    expect(await storedPayloads()).toHaveLength(before.length);
    await publish(
      sender.at(thrifty),
      messageTo(
        readers.map(({ did }) => did),
        topicId,
        { payload },
      ),
    );
    expect(await storedPayloads()).toHaveLength(before.length + 1);
    for (const each of readers.slice(1)) expect(payloadsOf(await search(each))).toEqual([payload, payload]);
  });
});

describe('while Blob is away', () => {
  const cut = () =>
    site.start({
      natsUrl: server.url,
      settings: { BLOB_CONNECTION_STRING: azurite.connectionString.replace(/:\d+\//, ':1/') },
    });

  test('a large payload is refused and nothing of it is visible; small ones go on', async () => {
    const away = cut();
    const answer = await sender
      .at(away)
      .request<ProblemAnswer>('POST', '/messages', messageTo([reader.did], topicId, { payload: large }));
    expect([answer.status, answer.body.code]).toEqual([503, 'blob-store-unavailable']);
    await send(sender.at(away), reader, topicId, { payload: 'small' });
    expect(payloadsOf(await search(reader))).toEqual(['small']);
  });

  test('a search that needs it answers 503, and the message comes when it is back', async () => {
    await send(sender, reader, topicId, { payload: large });
    const answer = await reader.at(cut()).request('POST', '/messages/search', { clientId: 'reader' });
    expect([answer.status, (answer.body as ProblemAnswer).code]).toEqual([503, 'blob-store-unavailable']);
    expect((await search(reader))[0]?.payload === large).toBe(true);
  });
});

test('a payload that somebody deleted in Blob is logged, and the other messages come', async () => {
  const before = new Set(await storedPayloads());
  await send(sender, reader, topicId, { payload: large });
  await send(sender, reader, topicId, { payload: 'small' });
  for (const name of await storedPayloads()) if (!before.has(name)) await payloads().deleteBlob(name);
  expect(payloadsOf(await search(reader))).toEqual(['small']);
  expect(broker.logLines.some((line) => line.includes('payload of a message is lost'))).toBe(true);
});
