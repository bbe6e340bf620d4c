// Files through the broker as existing gateways send and fetch them, over HTTP, against the built app.

import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { createKeyPair, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import type { PublishAnswer } from '../support/broker-messages';
import { eventually } from '../support/eventually';
import { createForm, type Form, type FormPart, uploadTexts } from '../support/multipart';
import { startTestStack, type TestStack } from '../support/stack';

jest.setTimeout(120_000);

let stack: TestStack;
let owner: ParticipantClient;
let recipient: ParticipantClient;
let stranger: ParticipantClient;
let topicId: string;

beforeAll(async () => {
  stack = await startTestStack({ settings: { CONCURRENT_DOWNLOADS: '2' } });
  const logIn = () => ParticipantClient.login(stack.url, createKeyPair());
  [owner, recipient, stranger] = await Promise.all([logIn(), logIn(), logIn()]);
  topicId = await createTopic('{"type":"object","required":["text"]}');
}, 60_000);

afterAll(async () => {
  await stack.stop();
});

async function createTopic(schema: string): Promise<string> {
  const { body } = await owner.request<{ id: string }>('POST', '/topics', {
    name: `topic-${randomBytes(6).toString('hex')}`,
    owner: demoOwner,
    schemaType: 'JSD7',
    schema,
    version: '1.0.0',
    tags: [],
  });
  return body.id;
}

const file = (bytes: Uint8Array | Iterable<Uint8Array>): FormPart => ({
  name: 'file',
  fileName: 'ignored.csv',
  bytes,
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: PublishAnswer & { readonly code?: string };
}

async function send(form: Form, sender = owner): Promise<Answer> {
  const answer = await fetch(`${stack.url}/messages/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sender.accessToken}`, 'content-type': form.contentType },
    body: form.body,
    duplex: 'half',
  });
  const { status, headers } = answer;
  return { status, headers, body: (await answer.json()) as Answer['body'] };
}

const upload = (
  bytes: Uint8Array | Iterable<Uint8Array>,
  fields: Readonly<Record<string, string | undefined>> = {},
) => send(createForm([file(bytes), ...uploadTexts([recipient.did], topicId, fields)]));

async function lastFileId(reader: ParticipantClient): Promise<string> {
  const search = { clientId: randomBytes(4).toString('hex'), topicId: [topicId], amount: 1_000 };
  const { body } = await reader.request<{ payload: string; isFile: boolean }[]>(
    'POST',
    '/messages/search',
    search,
  );
  const message = body.at(-1);
  expect(message?.isFile).toBe(true);
  return (JSON.parse(message?.payload ?? '{}') as { fileId: string }).fileId;
}

function download(fileId: string, reader = recipient): Promise<Response> {
  return fetch(`${stack.url}/messages/download?fileId=${fileId}`, {
    headers: { authorization: `Bearer ${reader.accessToken}` },
  });
}

/** Names of everything that lies in the Blob store. */
async function stored(): Promise<readonly string[]> {
  const names: string[] = [];
  const service = BlobServiceClient.fromConnectionString(stack.azurite.connectionString);
  for await (const { name } of service.listContainers()) {
    const blobs = service.getContainerClient(name).listBlobsFlat({ includeUncommitedBlobs: true });
    for await (const blob of blobs) names.push(`${name}/${blob.name}`);
  }
  return names.sort();
}

function* zeros(count: number): Iterable<Uint8Array> {
  const chunk = Buffer.alloc(100_000);
  for (let sent = 0; sent < count; sent += chunk.byteLength) yield chunk.subarray(0, count - sent);
}

describe('a file sent through the broker', () => {
  it.each([1, 524_288, 524_289, 3_000_000])('of %i bytes comes back byte for byte', async (size) => {
    const bytes = randomBytes(size);
    const sent = await upload(bytes);
    expect(sent.body.recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    const answer = await download(await lastFileId(recipient));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(size),
      'content-disposition': 'attachment; filename="readings.csv"',
      clientgatewaymessageid: 'd6c5c9a4-7bd0-4ad0-9a37-16d0a0b0f1de',
      payloadencryption: 'true',
      ownerdid: owner.did,
      signature: 'signature',
    });
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('is for its owner and its recipients, and nobody else', async () => {
    await upload(Buffer.from('secret'));
    const fileId = await lastFileId(recipient);
    const statuses = await Promise.all(
      [owner, recipient, stranger].map((reader) => download(fileId, reader)),
    );
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 403]);
    expect((await download('0'.repeat(24))).status).toBe(404);
    expect((await download('../x')).status).toBe(404);
  });

  it('may have any name, and none breaks the headers', async () => {
    for (const fileName of [
      '../../etc/passwd',
      'a"b\\c.csv',
      'a\r\nSet-Cookie: x=1',
      'ж'.repeat(1_000),
      '..',
      'Zähler (1)’s.csv',
    ]) {
      expect((await upload(Buffer.from('x'), { fileName })).status).toBe(200);
      const answer = await download(await lastFileId(recipient));
      expect(answer.status).toBe(200);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.headers.get('content-disposition')).toMatch(
        /^attachment; filename="[^"\\/]+"(?:; filename\*=UTF-8''[A-Za-z0-9%.~_!-]+)?$/,
      );
    }
  });

  it('is refused as a duplicate when its transaction was seen before', async () => {
    const transactionId = randomBytes(8).toString('hex');
    expect((await upload(Buffer.from('x'), { transactionId })).body.recipients.sent).toBe(1);
    const { status, body } = await upload(Buffer.from('x'), { transactionId });
    expect([status, body.recipients]).toEqual([200, { total: 1, sent: 0, failed: 1 }]);
  });
});

describe('an upload that is refused', () => {
  const unencrypted = { payloadEncryption: 'false' };
  it.each<[string, () => Form, number, string]>([
    ['without a file', () => createForm(uploadTexts([recipient.did], topicId)), 400, 'malformed-upload'],
    [
      'with an empty file',
      () => createForm([file(Buffer.alloc(0)), ...uploadTexts([recipient.did], topicId)]),
      400,
      'malformed-upload',
    ],
    [
      'with two files',
      () => createForm([file(zeros(2e6)), file(zeros(5)), ...uploadTexts([recipient.did], topicId)]),
      400,
      'malformed-upload',
    ],
    [
      'that ends early',
      () => createForm([file(zeros(2e6)), ...uploadTexts([recipient.did], topicId)], false),
      400,
      'malformed-upload',
    ],
    [
      'that is no form',
      () => ({ ...createForm([file(zeros(5))]), contentType: 'application/json' }),
      400,
      'malformed-upload',
    ],
    [
      'without a topic',
      () => createForm([file(zeros(2e6)), ...uploadTexts([recipient.did], topicId, { topicId: undefined })]),
      400,
      'invalid-parameters',
    ],
    [
      'to an unknown topic',
      () => createForm([file(zeros(2e6)), ...uploadTexts([recipient.did], '0'.repeat(24))]),
      404,
      'topic-not-found',
    ],
    [
      'with a signature that breaks a header',
      () => createForm([file(zeros(2e6)), ...uploadTexts([recipient.did], topicId, { signature: 'a\r\nb' })]),
      400,
      'invalid-parameters',
    ],
    [
      'with one byte too many',
      () => createForm([file(zeros(100_000_001)), ...uploadTexts([recipient.did], topicId)]),
      413,
      'payload-too-large',
    ],
    [
      'that does not match the schema',
      () => createForm([file(Buffer.from('{}')), ...uploadTexts([recipient.did], topicId, unencrypted)]),
      400,
      'schema-violation',
    ],
    [
      'unencrypted and too large to validate',
      () => createForm([file(zeros(9e6)), ...uploadTexts([recipient.did], topicId, unencrypted)]),
      413,
      'payload-too-large',
    ],
  ])('%s says so and leaves nothing behind', async (_what, form, status, code) => {
    const before = await stored();
    const answer = await send(form());
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await stored()).toEqual(before);
  });

  it('leaves nothing behind when nobody could receive it', async () => {
    const before = await stored();
    const { status, body } = await upload(zeros(2e6), { fqcns: 'did:ethr:volta:0xnobody,x' });
    expect([status, body.recipients]).toEqual([200, { total: 2, sent: 0, failed: 2 }]);
    expect(await stored()).toEqual(before);
  });

  it('leaves nothing behind when its client goes away in the middle', async () => {
    const before = await stored();
    const gone = Promise.withResolvers<undefined>();
    const form = createForm([file(zeros(50_000_000)), ...uploadTexts([recipient.did], topicId)]);
    const call = httpRequest(`${stack.url}/messages/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.accessToken}`, 'content-type': form.contentType },
    });
    call.once('error', () => undefined);
    call.once('close', () => {
      gone.resolve(undefined);
    });
    let sent = 0;
    for await (const chunk of form.body as unknown as AsyncIterable<Uint8Array>) {
      sent += chunk.byteLength;
      if (!call.write(chunk)) await new Promise((drained) => call.once('drain', drained));
      if (sent > 5_000_000) break;
    }
    call.destroy();
    await gone.promise;
    await eventually(async () => (await stored()).join() === before.join());
  });
});

describe('downloads', () => {
  it('give their turn back, also when their client goes away in the middle', async () => {
    await upload(randomBytes(5_000_000));
    const fileId = await lastFileId(recipient);
    for (let round = 0; round < 6; round++) {
      const answer = await download(fileId);
      await answer.body?.cancel();
    }
    const sizes = await Promise.all(
      Array.from({ length: 6 }, async () => (await (await download(fileId)).arrayBuffer()).byteLength),
    );
    expect(sizes).toEqual(Array.from({ length: 6 }, () => 5_000_000));
  });
});

it('an upload to a deprecated version says so', async () => {
  const deprecated = await createTopic('{}');
  const path = `/topics/${deprecated}/versions/1.0.0/deprecation`;
  expect((await owner.request('PUT', path, { sunset: '2999-01-01T00:00:00Z' })).status).toBe(200);
  const form = createForm([file(randomBytes(10)), ...uploadTexts([recipient.did], deprecated)]);
  const { status, headers } = await send(form);
  expect([status, headers.get('sunset')]).toEqual([200, 'Tue, 01 Jan 2999 00:00:00 GMT']);
  expect(headers.get('deprecation')).toMatch(/^@\d{10}$/);
});
