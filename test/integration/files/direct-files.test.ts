// Files by upload and download URLs, over whole broker instances on real NATS and Azurite.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Azurite, startAzurite } from '../../support/azurite';
import {
  type Broker,
  type BrokerSite,
  createBrokerSite,
  type Participant,
  topicOwner,
} from '../../support/broker';
import {
  complete,
  describeFile,
  type FileAnswer,
  getBytes,
  openFile,
  putBytes,
  sendFile,
  type Slot,
} from '../../support/broker-files';
import { createTopic, failures, type ProblemAnswer, search, sentIds } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let broker: Broker;
let owner: Participant;
let recipient: Participant;
let stranger: Participant;
let topicId: string;
/** Moves the broker's clock. Unit: ms. */
let aheadMs = 0;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({ SHARD_COUNT: '1', BLOB_CONNECTION_STRING: azurite.connectionString });
  broker = site.start({ natsUrl: server.url, clock: () => Date.now() + aheadMs });
  [owner, recipient, stranger] = await Promise.all([broker.logIn(), broker.logIn(), broker.logIn()]);
  topicId = await createTopic(owner);
});

beforeEach(() => {
  aheadMs = 0;
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const code = (body: unknown): string => (body as ProblemAnswer).code;
const bytes = randomBytes(100_000);

describe('a file', () => {
  test('goes from its owner to its recipient through the store, byte for byte', async () => {
    const fileId = await sendFile(owner, [recipient.did], topicId, bytes);
    const message = (await search(recipient, { amount: 100 })).find(({ payload }) =>
      payload.includes(fileId),
    );
    expect(message).toMatchObject({ isFile: true, payload: `{"fileId":"${fileId}"}`, senderDid: owner.did });
    const answer = await recipient.request<FileAnswer>('GET', `/files/${fileId}`);
    expect(answer.body).toMatchObject({
      fileId,
      ownerDid: owner.did,
      sizeBytes: bytes.byteLength,
      verification: 'sha256',
    });
    expect(await getBytes(answer.body.download.url)).toEqual(bytes);
  });

  test('can be read by its owner and its recipients, and by nobody else', async () => {
    const fileId = await sendFile(owner, [recipient.did], topicId, bytes);
    const read = async (who: Participant) => (await who.request('GET', `/files/${fileId}`)).status;
    expect([await read(owner), await read(recipient), await read(stranger)]).toEqual([200, 200, 403]);
    expect((await stranger.request('GET', `/files/${'0'.repeat(24)}`)).status).toBe(404);
    expect((await stranger.request('GET', '/files/..%2f..%2fsecret')).status).toBe(404);
  });

  test('is not there for others before it is complete', async () => {
    const { fileId } = await openFile(owner, [recipient.did], topicId, bytes);
    const answer = await recipient.request('GET', `/files/${fileId}`);
    expect([answer.status, code(answer.body)]).toEqual([409, 'file-not-complete']);
  });

  test('stays what was verified, whatever its owner uploads afterwards', async () => {
    const slot = await openFile(owner, [recipient.did], topicId, bytes);
    await putBytes(slot, bytes);
    expect((await complete(owner, slot.fileId)).status).toBe(200);
    expect(await putBytes(slot, Buffer.from('something else'))).toBe(201);
    const { body } = await recipient.request<FileAnswer>('GET', `/files/${slot.fileId}`);
    expect(await getBytes(body.download.url)).toEqual(bytes);
  });

  test('ends with the last message that refers to it', async () => {
    // A refresh of tokens is not what is tested here.
    const patient = site.start({
      natsUrl: server.url,
      settings: { ACCESS_TOKEN_SECONDS: '86400', DEFAULT_RETENTION_CLASS: '1h' },
      clock: () => Date.now() + aheadMs,
    });
    const [sender, reader] = await Promise.all([patient.logIn(), patient.logIn()]);
    const fileId = await sendFile(sender, [reader.did], topicId, bytes);
    const { body } = await reader.request<FileAnswer>('GET', `/files/${fileId}`);
    expect(Date.parse(body.endsAt)).toBeGreaterThanOrEqual(Date.now() + 3_590_000);
    aheadMs = Date.parse(body.endsAt) - Date.now() - 1_000;
    expect((await reader.request('GET', `/files/${fileId}`)).status).toBe(200);
    aheadMs += 2_000;
    expect((await reader.request('GET', `/files/${fileId}`)).status).toBe(404);
    expect((await sender.request('GET', `/files/${fileId}`)).status).toBe(404);
  });

  test('is removed by its owner alone, at once and with its bytes', async () => {
    const fileId = await sendFile(owner, [recipient.did], topicId, bytes);
    const { body } = await recipient.request<FileAnswer>('GET', `/files/${fileId}`);
    expect((await recipient.request('DELETE', `/files/${fileId}`)).status).toBe(403);
    expect((await owner.request('DELETE', `/files/${fileId}`)).status).toBe(200);
    expect((await recipient.request('GET', `/files/${fileId}`)).status).toBe(404);
    expect((await owner.request('DELETE', `/files/${fileId}`)).status).toBe(404);
    expect(await getBytes(body.download.url)).toBe(404);
  });
});

describe('an upload URL', () => {
  test('allows to write one blob, for 15 minutes at most, and nothing else', async () => {
    const { upload } = await openFile(owner, [], topicId, bytes);
    const url = new URL(upload.url);
    expect(url.searchParams.get('sp')).toBe('cw');
    expect(url.searchParams.get('sr')).toBe('b');
    expect(Date.parse(url.searchParams.get('se') ?? '') - Date.now()).toBeLessThanOrEqual(900_000);
    expect(await getBytes(upload.url)).toBe(403);
    url.pathname = url.pathname.replace(/[0-9a-f]{24}$/, '0'.repeat(24));
    const foreign = { fileId: '', upload: { ...upload, url: url.href } };
    expect(await putBytes(foreign, bytes)).toBe(403);
  });

  test('is renewed for its owner alone, until the file is complete', async () => {
    const { fileId } = await openFile(owner, [recipient.did], topicId, bytes);
    const renew = (who: Participant) => who.request<Slot>('POST', `/files/${fileId}/upload`);
    const renewed = await renew(owner);
    expect(await putBytes(renewed.body, bytes)).toBe(201);
    expect((await renew(recipient)).status).toBe(403);
    expect((await complete(owner, fileId)).status).toBe(200);
    expect(code((await renew(owner)).body)).toBe('file-complete');
  });

  test('is never logged', async () => {
    const slot = await openFile(owner, [recipient.did], topicId, bytes);
    await complete(owner, slot.fileId);
    const signature = new URL(slot.upload.url).searchParams.get('sig') ?? '';
    expect(broker.logLines.join('\n')).not.toContain(encodeURIComponent(signature));
    expect(broker.logLines.join('\n')).not.toContain(signature);
  });
});

describe('completing', () => {
  test('answers the same every time, and sends one message', async () => {
    const reader = await broker.logIn();
    const slot = await openFile(owner, [reader.did, 'did:ethr:volta:0xunknown', 'no did'], topicId, bytes);
    await putBytes(slot, bytes);
    const answers = await Promise.all([1, 2, 3].map(() => complete(owner, slot.fileId)));
    answers.push(await complete(owner, slot.fileId));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body).toEqual(answers[0]?.body);
    }
    const [first] = answers;
    if (!first) throw new Error('unreachable');
    expect(first.body.recipients).toEqual({ total: 3, sent: 1, failed: 2 });
    expect(failures(first.body).map(({ err }) => err?.code)).toEqual([
      'MB::INVALID_FQCN',
      'MB::INVALID_FQCN',
    ]);
    const found = await search(reader);
    expect(found.map(({ messageId }) => messageId)).toEqual(sentIds(first.body));
  });

  test.each([
    ['nothing', undefined, 'file-not-complete'],
    ['bytes of the same length', Buffer.alloc(bytes.byteLength), 'file-mismatch'],
    ['fewer bytes', bytes.subarray(1), 'file-mismatch'],
  ])('refuses a file of which %s were uploaded, until it is right', async (_what, uploaded, problem) => {
    const reader = await broker.logIn();
    const slot = await openFile(owner, [reader.did], topicId, bytes);
    if (uploaded) await putBytes(slot, uploaded);
    const refused = await complete(owner, slot.fileId);
    expect([refused.status, code(refused.body)]).toEqual([409, problem]);
    expect(await search(reader)).toEqual([]);
    await putBytes(slot, bytes);
    expect((await complete(owner, slot.fileId)).status).toBe(200);
    expect(await search(reader)).toHaveLength(1);
  });

  test('says that the version is deprecated, and until when it is taken', async () => {
    const topic = await createTopic(owner);
    const slot = await openFile(owner, [recipient.did], topic, bytes);
    await putBytes(slot, bytes);
    const sunset = { sunset: '2999-01-01T00:00:00Z' };
    const answer = await owner.request('PUT', `/topics/${topic}/versions/1.0.0/deprecation`, sunset);
    expect(answer.status).toBe(200);
    const { status, headers } = await complete(owner, slot.fileId);
    expect([status, headers.get('deprecation'), headers.get('sunset')]).toEqual([
      200,
      expect.stringMatching(/^@\d{10}$/),
      'Tue, 01 Jan 2999 00:00:00 GMT',
    ]);
  });

  test('is for the owner alone', async () => {
    const slot = await openFile(owner, [recipient.did], topicId, bytes);
    await putBytes(slot, bytes);
    expect((await complete(recipient, slot.fileId)).status).toBe(403);
    expect((await complete(stranger, slot.fileId)).status).toBe(403);
    expect((await complete(stranger, '0'.repeat(24))).status).toBe(404);
  });

  test('is refused when the time to upload is over', async () => {
    const hasty = site.start({
      natsUrl: server.url,
      settings: { UPLOAD_SLOT_SECONDS: '60' },
      clock: () => Date.now() + aheadMs,
    });
    const slot = await openFile(owner.at(hasty), [recipient.did], topicId, bytes);
    await putBytes(slot, bytes);
    aheadMs = 61_000;
    const answer = await complete(owner.at(hasty), slot.fileId);
    expect([answer.status, code(answer.body)]).toEqual([410, 'upload-slot-expired']);
  });

  test('validates an unencrypted file against its topic version', async () => {
    const strict = await createTopic(owner, '{"type":"object","required":["text"]}');
    const send = async (text: string) => {
      const content = Buffer.from(text);
      const slot = await openFile(owner, [recipient.did], strict, content, { payloadEncryption: false });
      await putBytes(slot, content);
      return complete(owner, slot.fileId);
    };
    expect((await send('{"text":""}')).status).toBe(200);
    const refused = await send('{}');
    expect([refused.status, code(refused.body)]).toEqual([400, 'schema-violation']);
    expect(code((await send('\ufffd{')).body)).toBe('schema-violation');
  });

  test('validates rows at any size while they stream, whatever the file is called', async () => {
    const { body: topic } = await owner.request<{ id: string }>('POST', '/topics', {
      name: `rows-${randomBytes(6).toString('hex')}`,
      owner: topicOwner,
      schemaType: 'CSV',
      schema: 'name,value',
      version: '1.0.0',
      tags: [],
    });
    const send = async (rows: string) => {
      const content = Buffer.from(rows);
      const fields = { payloadEncryption: false, fileName: 'rows.json' };
      const slot = await openFile(owner, [recipient.did], topic.id, content, fields);
      await putBytes(slot, content);
      return complete(owner, slot.fileId);
    };
    const rows = `name,value\n${'x,1\n'.repeat(3_000_000)}`;
    expect((await send(rows)).status).toBe(200);
    const refused = await send(`${rows}too,many,cells\n`);
    expect(refused.body).toMatchObject({ code: 'schema-violation' });
    expect(JSON.stringify(refused.body)).toContain('row 3000002');
  });
});

describe('opening a file', () => {
  test.each([
    ['zero bytes', { sizeBytes: 0 }, 400],
    ['more bytes than are allowed', { sizeBytes: 6 * 1024 ** 3 }, 413],
    [
      'an unencrypted file too large to validate',
      { sizeBytes: 9 * 1024 ** 2, payloadEncryption: false },
      413,
    ],
    ['a name with a path', { fileName: '../../etc/passwd' }, 400],
    ['a name with a line break', { fileName: 'a\r\nSet-Cookie: b' }, 400],
    ['a name of 1,000 characters', { fileName: 'x'.repeat(1_000) }, 400],
    ['a signature that breaks a header', { signature: 'a\r\nb' }, 400],
    ['a digest that is none', { sha256: 'X'.repeat(64) }, 400],
    ['an unknown topic', { topicId: '0'.repeat(24) }, 404],
  ])('is refused with %s', async (_what, fields, status) => {
    const answer = await owner.request(
      'POST',
      '/files',
      describeFile([recipient.did], topicId, bytes, fields),
    );
    expect([answer.status, answer.text]).toEqual([status, expect.any(String)]);
  });
});

describe('while the store is away', () => {
  test('answers 503 and nothing is half visible', async () => {
    const cut = site.start({
      natsUrl: server.url,
      settings: { BLOB_CONNECTION_STRING: azurite.connectionString.replace(/:\d+\//, ':1/') },
    });
    const answer = await owner
      .at(cut)
      .request('POST', '/files', describeFile([recipient.did], topicId, bytes));
    expect([answer.status, code(answer.body)]).toEqual([503, 'blob-store-unavailable']);
  });
});
