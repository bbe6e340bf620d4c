// How long files live: as long as messages of their topic's retention class, whichever way they come.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { BlobServiceClient } from '@azure/storage-blob';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { type FileAnswer, openFile, putBytes, complete, sendFile } from '../../support/broker-files';
import { type BrokerStore, openBrokerStore } from '../../support/broker-store';
import { createTopic, search } from '../../support/broker-messages';
import { uploadFile } from '../../support/broker-upload';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const hour = 3_600_000;
const bytes = randomBytes(1_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let store: BrokerStore;
let owner: Participant;
let reader: Participant;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({
    SHARD_COUNT: '1',
    BLOB_CONNECTION_STRING: azurite.connectionString,
    RETENTION_CLASSES: '1h,6h,24h',
    DEFAULT_RETENTION_CLASS: '1h',
  });
  const broker = site.start({ natsUrl: server.url });
  store = await openBrokerStore(server.url, site.settings);
  [owner, reader] = await Promise.all([broker.logIn(), broker.logIn()]);
});

afterAll(async () => {
  await store.close();
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

async function topicOf(retentionClass: string): Promise<string> {
  const topicId = await createTopic(owner);
  await changeClass(topicId, retentionClass);
  return topicId;
}

async function changeClass(topicId: string, retentionClass: string): Promise<void> {
  const answer = await owner.request('PUT', `/topics/${topicId}`, { retentionClass });
  expect(answer.status).toBe(200);
}

/** Retention classes of the messages of a topic, as the store has them. */
async function classesOf(topicId: string): Promise<readonly string[]> {
  const { subjects } = await store.names();
  return subjects
    .map((subject) => subject.split('.'))
    .filter((tokens) => tokens[0] === 'ddhub' && tokens[3] === topicId)
    .map((tokens) => tokens[5] ?? '');
}

/** Hours that a file lives from now on, rounded, and when the timer may remove it. */
async function livesOf(fileId: string): Promise<readonly [ends: number, due: number]> {
  const { body } = await reader.request<FileAnswer>('GET', `/files/${fileId}`);
  const record = BlobServiceClient.fromConnectionString(azurite.connectionString)
    .getContainerClient('ddhub-file-records')
    .getBlobClient(fileId);
  const { tags } = await record.getTags();
  const hours = (instant: string | undefined) =>
    Math.floor((Date.parse(instant ?? '') - Date.now() + 60_000) / hour);
  return [hours(body.endsAt), hours(tags['due'])];
}

describe('a file', () => {
  test('by upload URL lives as long as its topic’s messages', async () => {
    const topicId = await topicOf('6h');
    const fileId = await sendFile(owner, [reader.did], topicId, bytes);
    expect(await classesOf(topicId)).toEqual(['6h']);
    expect(await livesOf(fileId)).toEqual([6, 7]);
  });

  test('that was announced before its topic’s class changed lives by the class when it is completed', async () => {
    const topicId = await topicOf('6h');
    const slot = await openFile(owner, [reader.did], topicId, bytes);
    await putBytes(slot, bytes);
    await changeClass(topicId, '24h');
    expect((await complete(owner, slot.fileId)).status).toBe(200);
    expect(await classesOf(topicId)).toEqual(['24h']);
    expect(await livesOf(slot.fileId)).toEqual([24, 25]);
  });

  test('through the broker lives as long as its topic’s messages', async () => {
    const topicId = await topicOf('6h');
    expect((await uploadFile(owner, [reader.did], topicId)).status).toBe(200);
    const [message] = await search(reader, { topicId: [topicId] });
    const { fileId } = JSON.parse(message?.payload ?? '{}') as { fileId: string };
    expect(await classesOf(topicId)).toEqual(['6h']);
    expect(await livesOf(fileId)).toEqual([6, 7]);
  });

  test('of a topic without a class lives by the default one', async () => {
    const topicId = await createTopic(owner);
    const fileId = await sendFile(owner, [reader.did], topicId, bytes);
    expect(await classesOf(topicId)).toEqual(['1h']);
    expect(await livesOf(fileId)).toEqual([1, 2]);
  });
});
