// Every POST that creates something takes an Idempotency-Key: a repetition finds what the first call has created, also
// when that one was killed before it answered.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Azurite, startAzurite } from '../../support/azurite';
import {
  type Broker,
  type BrokerAnswer,
  type BrokerSite,
  createBrokerSite,
  type Participant,
} from '../../support/broker';
import { complete, describeFile, putBytes, type Slot } from '../../support/broker-files';
import {
  createTopic,
  type Fields,
  idsOf,
  messageTo,
  type PublishAnswer,
  search,
  sentIds,
} from '../../support/broker-messages';
import { brokerRoutes } from '../../support/broker-routes';
import { formOf } from '../../support/broker-upload';
import { type IdempotencyRecords, openIdempotencyRecords } from '../../support/idempotency-records';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { newTopic } from '../../support/authorisation/world';
import { topicOwner } from '../../support/broker';

jest.setTimeout(60_000);

const bytes = Buffer.from('the bytes of a file');

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let broker: Broker;
let other: Broker;
let aheadMs = 0;
let records: IdempotencyRecords;
let alice: Participant;
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({
    BLOB_CONNECTION_STRING: azurite.connectionString,
    ACCESS_TOKEN_SECONDS: '86400',
  });
  const clock = () => Date.now() + aheadMs;
  broker = site.start({ natsUrl: server.url, clock });
  other = site.start({ natsUrl: server.url, clock });
  records = openIdempotencyRecords(server.url);
  alice = await broker.logIn();
  topicId = await createTopic(alice);
});

afterAll(async () => {
  await records.close();
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

function post<Body>(
  at: Broker,
  path: string,
  body: unknown,
  key: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<BrokerAnswer<Body>> {
  const withKey = { ...headers, 'Idempotency-Key': key };
  return alice.at(at).request<Body>('POST', path, body, alice.accessToken, withKey);
}

const found = async (reader: Participant): Promise<readonly string[]> =>
  idsOf(await search(reader, { clientId: randomUUID() }));

/** The same call at another instance, after the first process was killed before it answered. */
async function takeOver<Body>(operationId: string, key: string, call: () => Promise<Body>): Promise<Body> {
  await records.unfinish(alice, operationId, key);
  aheadMs += 61_000;
  return call();
}

describe('every route that creates', () => {
  test('takes a key, and no other does', () => {
    const taking = brokerRoutes().filter(({ idempotency }) => idempotency);
    expect(taking.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'POST channel/initExtChannel',
      'POST files',
      'POST files/{fileId}/complete',
      'POST messages',
      'POST messages/batch',
      'POST messages/internal',
      'POST messages/upload',
      'POST topics',
    ]);
  });
});

describe('POST /messages/batch', () => {
  test('sends none of its messages again, also two of the same to one recipient', async () => {
    const reader = await broker.logIn();
    const key = randomUUID();
    const message = messageTo([reader.did], topicId);
    const body = { messages: [message, message, { ...message, topicId: '0'.repeat(24) }] };
    const call = (at: Broker) =>
      post<{ results: { status: number; body: PublishAnswer }[] }>(at, '/messages/batch', body, key);
    const first = await call(broker);
    expect(first.body.results.map(({ status }) => status)).toEqual([200, 200, 404]);
    expect((await call(other)).text).toBe(first.text);
    const again = await takeOver('publishBatch', key, () => call(other));
    const ids = (answer: typeof first) => answer.body.results.slice(0, 2).flatMap((one) => sentIds(one.body));
    expect(ids(again)).toEqual(ids(first));
    expect(await found(reader)).toEqual(ids(first));
  });
});

describe('POST /messages/internal', () => {
  test('stores one key', async () => {
    const reader = await broker.logIn();
    const key = randomUUID();
    const body = { fqcn: reader.did, clientGatewayMessageId: randomUUID(), payload: 'key' };
    const call = (at: Broker) => post<{ messageId: string }>(at, '/messages/internal', body, key);
    const first = await call(broker);
    expect((await call(other)).text).toBe(first.text);
    expect((await takeOver('sendKey', key, () => call(other))).body).toEqual(first.body);
    const keys = await reader.request<unknown[]>('POST', '/messages/internal/search', { amount: 10 });
    expect(keys.body).toHaveLength(1);
  });
});

describe('POST /topics', () => {
  test('creates one topic, and answers it where a killed call has created it', async () => {
    const key = randomUUID();
    const body = newTopic(topicOwner);
    const call = (at: Broker) => post<{ id: string }>(at, '/topics', body, key);
    const first = await call(broker);
    expect(first.status).toBe(200);
    const replayed = await call(other);
    expect([replayed.text, replayed.headers.get('etag')]).toEqual([first.text, first.headers.get('etag')]);
    const again = await takeOver('createTopic', key, () => call(other));
    expect([again.status, again.body]).toEqual([200, first.body]);
  });
});

describe('POST /files', () => {
  test('begins one file; each repetition is given a URL of its own, and none is kept', async () => {
    const reader = await broker.logIn();
    const key = randomUUID();
    const body = describeFile([reader.did], topicId, bytes);
    const call = (at: Broker) => post<Slot>(at, '/files', body, key);
    const first = await call(broker);
    const replayed = await call(other);
    const again = await takeOver('openFile', key, () => call(other));
    expect(new Set([first, replayed, again].map((answer) => answer.body.fileId)).size).toBe(1);
    const record = await records.textOf(alice, 'openFile', key);
    expect(record).toContain('"state":"kept"');
    for (const secret of ['http', 'sig=', '?']) expect(record).not.toContain(secret);
    expect(await putBytes(replayed.body, bytes)).toBe(201);
    await complete(alice, first.body.fileId);
    expect(await found(reader)).toHaveLength(1);
    expect((await call(broker)).status).toBe(409);
  });

  test('is carried out again after a 5xx, which is not kept', async () => {
    const away = site.start({
      natsUrl: server.url,
      // Nobody listens on the discard port.
      settings: { BLOB_CONNECTION_STRING: azurite.connectionString.replace(/:\d+\//, ':9/') },
    });
    const key = randomUUID();
    const body = describeFile([], topicId, bytes);
    expect((await post(away, '/files', body, key)).status).toBe(503);
    expect(await records.textOf(alice, 'openFile', key)).toContain('"state":"open"');
    expect((await post(broker, '/files', body, key)).status).toBe(200);
  });

  test('is completed once', async () => {
    const reader = await broker.logIn();
    const slot = (
      await post<Slot>(broker, '/files', describeFile([reader.did], topicId, bytes), randomUUID())
    ).body;
    await putBytes(slot, bytes);
    const key = randomUUID();
    const call = (at: Broker) => post<PublishAnswer>(at, `/files/${slot.fileId}/complete`, undefined, key);
    const first = await call(broker);
    expect((await call(other)).text).toBe(first.text);
    expect((await takeOver('completeFile', key, () => call(other))).body).toEqual(first.body);
    expect(await found(reader)).toEqual(sentIds(first.body));
    // The same key for another file is another request.
    expect((await post(broker, `/files/${'0'.repeat(24)}/complete`, undefined, key)).status).toBe(422);
  });
});

describe('POST /messages/upload', () => {
  const upload = (at: Broker, recipients: readonly string[], key: string, fields: Fields) => {
    const { body, headers } = formOf(recipients, topicId, fields as Record<string, string>);
    return post<PublishAnswer>(at, '/messages/upload', body, key, headers);
  };

  test('sends a file once, whatever separates the parts of the form', async () => {
    const reader = await broker.logIn();
    const key = randomUUID();
    const fields = { clientGatewayMessageId: randomUUID() };
    const first = await upload(broker, [reader.did], key, fields);
    expect(first.status).toBe(200);
    const { body, headers } = formOf([reader.did], topicId, fields);
    const reform = (text: string) => text.replaceAll('boundary-of-the-form', 'another-boundary');
    const reformed = await post<PublishAnswer>(other, '/messages/upload', reform(body), key, {
      'content-type': reform(headers['content-type'] ?? ''),
    });
    expect([reformed.status, reformed.text]).toEqual([200, first.text]);
    const changed = await upload(broker, [reader.did], key, { ...fields, signature: 'another' });
    expect(changed.status).toBe(422);
    const again = await takeOver('uploadFile', key, () => upload(other, [reader.did], key, fields));
    expect(again.body).toEqual(first.body);
    expect(await found(reader)).toEqual(sentIds(first.body));
    const [message] = await search(reader, { clientId: randomUUID() });
    const { fileId } = JSON.parse(message?.payload ?? '{}') as { fileId: string };
    const download = await reader.request('GET', `/messages/download?fileId=${fileId}`);
    expect([download.status, download.text]).toEqual([200, 'a,b\n1,2\n']);
  });
});
