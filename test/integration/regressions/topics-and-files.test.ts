// Defects of the first-generation broker that must not come back (contract §8): topics and files.

import { randomBytes } from 'node:crypto';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { complete, getBytes, openFile, putBytes, type FileAnswer } from '../../support/broker-files';
import { createTopic, search } from '../../support/broker-messages';
import { uploadFile } from '../../support/broker-upload';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let one: Broker;
let other: Broker;
let owner: Participant;
let recipient: Participant;
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({ BLOB_CONNECTION_STRING: azurite.connectionString });
  one = site.start({ natsUrl: server.url });
  other = site.start({ natsUrl: server.url });
  [owner, recipient] = await Promise.all([one.logIn(), one.logIn()]);
  topicId = await createTopic(owner);
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

/** Names of all blobs in the store. */
async function blobs(): Promise<readonly string[]> {
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const names: string[] = [];
  for await (const container of service.listContainers()) {
    const client = service.getContainerClient(container.name);
    for await (const blob of client.listBlobsFlat({ includeUncommitedBlobs: true })) names.push(blob.name);
  }
  return names;
}

describe('defects of the first generation: topics and files', () => {
  test('regression: published schema rewritten in place', async () => {
    const path = `/topics/${topicId}/versions/1.0.0`;
    const before = (await owner.request('GET', path)).body;
    const changed = await owner.request('PUT', path, { schema: '{"type":"string"}' });
    expect(changed).toMatchObject({ status: 409, body: { returnCode: '51' } });
    expect((await owner.request('GET', path)).body).toEqual(before);
  });

  test('regression: blob written and never referenced', async () => {
    const before = await blobs();
    const stranger = 'did:ethr:volta:0x0000000000000000000000000000000000000001';
    const refusals = [
      await uploadFile(owner, [stranger], topicId),
      await uploadFile(owner, [recipient.did], '0'.repeat(24)),
      await uploadFile(owner, [recipient.did], topicId, { topicVersion: '9.9.9' }),
      await uploadFile(owner, [recipient.did], topicId, { payloadEncryption: 'perhaps' }),
      await uploadFile(owner, [], topicId),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([200, 404, 404, 400, 200]);
    expect(await blobs()).toEqual(before);
    // What is referenced stays: by a message, which names the file.
    const sent = await uploadFile(owner, [recipient.did], topicId);
    expect(sent.body.recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    const [message] = await search(recipient);
    const { fileId } = JSON.parse(message?.payload ?? '{}') as { fileId: string };
    expect(await recipient.request('GET', `/messages/download?fileId=${fileId}`)).toMatchObject({
      status: 200,
      text: 'a,b\n1,2\n',
    });
    expect((await blobs()).length).toBeGreaterThan(before.length);
  });

  test('regression: chunk upload that only works on one instance', async () => {
    const bytes = randomBytes(10_000);
    // Opened at one instance, completed at the other, read at the first.
    const slot = await openFile(owner, [recipient.did], topicId, bytes);
    await putBytes(slot, bytes);
    expect((await complete(owner.at(other), slot.fileId)).status).toBe(200);
    const read = await recipient.at(one).request<FileAnswer>('GET', `/files/${slot.fileId}`);
    expect(await getBytes(read.body.download.url)).toEqual(bytes);
    const elsewhere = await recipient.at(other).request<FileAnswer>('GET', `/files/${slot.fileId}`);
    expect(await getBytes(elsewhere.body.download.url)).toEqual(bytes);
  });
});
