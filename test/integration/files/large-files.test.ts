// Files of several blocks: not complete before all are there. And files that are too large for the broker to read: the
// Blob store compares them where they lie.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { BlobServiceClient } from '@azure/storage-blob';
import { digestBlocks } from '../../../client';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type BrokerSite, createBrokerSite, type Participant, topicOwner } from '../../support/broker';
import {
  complete,
  describeFile,
  type FileAnswer,
  openFile,
  putBytes,
  sha256Of,
} from '../../support/broker-files';
import { createTopic, type ProblemAnswer } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let sender: Participant;
let recipient: Participant;
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({
    SHARD_COUNT: '1',
    BLOB_CONNECTION_STRING: azurite.connectionString,
    FILE_DIGEST_MAX_BYTES: '1000',
  });
  const broker = site.start({ natsUrl: server.url });
  [sender, recipient] = await Promise.all([broker.logIn(), broker.logIn()]);
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const code = (body: unknown): string => (body as ProblemAnswer).code;

describe('a file that is uploaded in blocks', () => {
  test('is not complete before all of them are there', async () => {
    const bytes = randomBytes(100_000);
    const { fileId, upload } = await openFile(sender, [recipient.did], topicId, bytes);
    const blocks = [bytes.subarray(0, 60_000), bytes.subarray(60_000)];
    const ids = ['MDA=', 'MDE='];
    const call = async (query: string, body: Uint8Array | string): Promise<number> => {
      const sent = typeof body === 'string' ? body : new Uint8Array(body);
      return (await fetch(`${upload.url}&${query}`, { method: 'PUT', body: sent })).status;
    };
    const stage = (index: number) =>
      call(`comp=block&blockid=${encodeURIComponent(ids[index] ?? '')}`, blocks[index] ?? '');
    const commit = (listed: readonly string[]) =>
      call(
        'comp=blocklist',
        `<?xml version="1.0" encoding="utf-8"?><BlockList>${listed.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`,
      );
    const codeOfCompletion = async () => code((await complete(sender, fileId)).body);
    expect(await stage(0)).toBe(201);
    expect(await codeOfCompletion()).toBe('file-not-complete');
    // The store itself refuses a list with a block that it does not have.
    expect(await commit(ids)).toBe(400);
    expect(await codeOfCompletion()).toBe('file-not-complete');
    expect(await commit(ids.slice(0, 1))).toBe(201);
    expect(await codeOfCompletion()).toBe('file-mismatch');
    expect(await stage(0)).toBe(201);
    expect(await stage(1)).toBe(201);
    expect(await commit(ids)).toBe(201);
    expect((await complete(sender, fileId)).status).toBe(200);
  });
});

describe('a file that is larger than digests are computed of', () => {
  const large = randomBytes(9_000_000);
  const blockBytes = 4 * 1024 * 1024;
  const blocks = digestBlocks(large, blockBytes);
  const altered = Buffer.from(large);
  altered.writeUInt8(altered.readUInt8(5_000_000) ^ 1, 5_000_000);

  test('is compared by the store with the digests of its blocks, and says so', async () => {
    const slot = await openFile(sender, [recipient.did], topicId, large, { blocks });
    await putBytes(slot, altered);
    const refused = await complete<ProblemAnswer & { detail: string }>(sender, slot.fileId);
    expect([refused.status, code(refused.body)]).toEqual([409, 'file-mismatch']);
    expect(refused.body.detail).toContain('block 1');
    await putBytes(slot, large);
    expect((await complete(sender, slot.fileId)).body.verification).toBe('blocks');
    const { body } = await recipient.request<FileAnswer>('GET', `/files/${slot.fileId}`);
    expect(body.verification).toBe('blocks');
    expect(body.sha256).toBe(sha256Of(large));
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'ddhub-files',
    );
    for await (const { name } of container.listBlobsFlat({ includeUncommitedBlobs: true })) {
      expect(name).toMatch(/^[0-9a-f]{24}$/);
    }
  });

  test('is compared by its SHA-256 all the same when it is read anyway, to be validated', async () => {
    const rows = Buffer.from(`a,b\n${'1,2\n'.repeat(1_000)}`);
    const { body: topic } = await sender.request<{ id: string }>('POST', '/topics', {
      name: `rows-${randomBytes(6).toString('hex')}`,
      owner: topicOwner,
      schemaType: 'CSV',
      schema: 'a,b',
      version: '1.0.0',
      tags: [],
    });
    const slot = await openFile(sender, [recipient.did], topic.id, rows, { payloadEncryption: false });
    await putBytes(slot, Buffer.from(rows.toString().replace('1,2', '1,3')));
    expect(code((await complete(sender, slot.fileId)).body)).toBe('file-mismatch');
    await putBytes(slot, rows);
    expect((await complete(sender, slot.fileId)).body.verification).toBe('sha256');
  });

  test('is compared by its length when there are no digests, and says so', async () => {
    const slot = await openFile(sender, [recipient.did], topicId, large);
    await putBytes(slot, large);
    expect((await complete(sender, slot.fileId)).body.verification).toBe('length');
  });

  test('has a digest for each of its blocks', async () => {
    const { md5 } = blocks;
    for (const wrong of [
      { bytes: blockBytes, md5: md5.slice(1) },
      { bytes: blockBytes, md5: [...md5, ...md5] },
      { bytes: blockBytes, md5: md5.map(() => 'none') },
      { bytes: 1_000, md5 },
    ]) {
      const file = describeFile([recipient.did], topicId, large, { blocks: wrong });
      expect((await sender.request('POST', '/files', file)).status).toBe(400);
    }
  });
});
