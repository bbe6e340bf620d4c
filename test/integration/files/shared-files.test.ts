// Files that messages refer to by fileId, and what the timer removes in the end, on real NATS and Azurite.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { BlobServiceClient } from '@azure/storage-blob';
import { BlobConnection } from '../../../shared/adapters/blob/blob-connection';
import { BlobFileContents } from '../../../shared/adapters/blob/blob-file-contents';
import { BlobFileRecords } from '../../../shared/adapters/blob/blob-file-records';
import { BlobPayloadStore } from '../../../shared/adapters/blob/blob-payload-store';
import { Containers } from '../../../shared/adapters/blob/containers';
import { SasSigner } from '../../../shared/adapters/blob/sas-signer';
import { FileSweep } from '../../../shared/files';
import { ClaimChecks } from '../../../shared/messages';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { type FileAnswer, getBytes, openFile, sendFile } from '../../support/broker-files';
import {
  createTopic,
  type Fields,
  messageTo,
  type ProblemAnswer,
  publish,
  search,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const hour = 3_600_000;
const bytes = randomBytes(1_000);

let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let broker: Broker;
let owner: Participant;
let first: Participant;
let second: Participant;
let topicId: string;
/** Moves the clock of broker and timer. Unit: ms. */
let aheadMs = 0;
const clock = () => Date.now() + aheadMs;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({
    SHARD_COUNT: '1',
    BLOB_CONNECTION_STRING: azurite.connectionString,
    DEFAULT_RETENTION_CLASS: '1h',
    // Nobody logs in anew when the clock moves.
    ACCESS_TOKEN_SECONDS: '86400',
  });
  broker = site.start({ natsUrl: server.url, clock });
  owner = await broker.logIn();
  topicId = await createTopic(owner);
});

beforeEach(async () => {
  aheadMs = 0;
  [first, second] = await Promise.all([broker.logIn(), broker.logIn()]);
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const status = async (reader: Participant, fileId: string): Promise<number> =>
  (await reader.request('GET', `/files/${fileId}`)).status;

function without(field: string, message: Fields): Fields {
  return Object.fromEntries(Object.entries(message).filter(([name]) => name !== field));
}

describe('a message with a fileId', () => {
  test('lets its recipients read the file, and names it', async () => {
    const fileId = await sendFile(owner, [first.did], topicId, bytes);
    expect(await status(second, fileId)).toBe(403);
    await publish(owner, messageTo([second.did], topicId, { fileId, payload: 'see there' }));
    const [message] = await search(second);
    expect(message).toMatchObject({ fileId, payload: 'see there', isFile: false });
    const { body } = await second.request<FileAnswer>('GET', `/files/${fileId}`);
    expect(await getBytes(body.download.url)).toEqual(bytes);
    expect(await status(first, fileId)).toBe(200);
  });

  test('and without a payload is the message of the file, as gateways read it', async () => {
    const fileId = await sendFile(owner, [], topicId, bytes);
    await publish(
      owner,
      without('payload', messageTo([second.did], topicId, { fileId, payloadEncryption: false })),
    );
    expect(await search(second)).toMatchObject([{ isFile: true, payload: `{"fileId":"${fileId}"}` }]);
  });

  test('keeps the file as long as the message lives', async () => {
    const fileId = await sendFile(owner, [first.did], topicId, bytes);
    await publish(owner, messageTo([second.did], topicId, { fileId, ttlSeconds: 20 * 3_600 }));
    aheadMs = 19 * hour;
    expect(await status(second, fileId)).toBe(200);
    aheadMs = 21 * hour;
    expect(await status(second, fileId)).toBe(404);
  });

  test('is refused for every file that is not a completed one of the sender', async () => {
    const foreign = await sendFile(first, [owner.did], topicId, bytes);
    const { fileId: open } = await openFile(owner, [], topicId, bytes);
    const gone = await sendFile(owner, [], topicId, bytes);
    await owner.request('DELETE', `/files/${gone}`);
    for (const fileId of [foreign, open, gone, '0'.repeat(24), '', '../x', foreign.toUpperCase()]) {
      const answer = await owner.request('POST', '/messages', messageTo([second.did], topicId, { fileId }));
      expect([fileId, answer.status, (answer.body as ProblemAnswer).code]).toEqual([
        fileId,
        403,
        'forbidden',
      ]);
    }
    expect(await search(second)).toEqual([]);
    expect(await status(second, foreign)).toBe(403);
  });

  test('is refused together with anonymous recipients, and without a payload when there is no file', async () => {
    const fileId = await sendFile(owner, [], topicId, bytes);
    const anonymous = messageTo([], topicId, { fileId, anonymousRecipient: ['key'] });
    expect((await owner.request<ProblemAnswer>('POST', '/messages', anonymous)).body).toMatchObject({
      status: 400,
      errors: [{ field: 'anonymousRecipient' }],
    });
    const empty = without('payload', messageTo([second.did], topicId));
    expect((await owner.request<ProblemAnswer>('POST', '/messages', empty)).body).toMatchObject({
      status: 400,
      errors: [{ field: 'payload' }],
    });
  });

  test('does not let a message of somebody else, with the same text, open the file', async () => {
    const fileId = await sendFile(owner, [first.did], topicId, bytes);
    await publish(first, messageTo([second.did], topicId, { payload: `{"fileId":"${fileId}"}` }));
    expect(await search(second)).toHaveLength(1);
    expect(await status(second, fileId)).toBe(403);
  });
});

describe('the timer', () => {
  const sweeps = () => {
    const connection = new BlobConnection({
      kind: 'connection-string',
      connectionString: azurite.connectionString,
    });
    const containers = new Containers(connection);
    const records = new BlobFileRecords(containers);
    const contents = new BlobFileContents(containers, new SasSigner(connection, clock));
    const store = new BlobPayloadStore(containers);
    return {
      files: new FileSweep({ records, contents, clock }),
      payloads: new ClaimChecks({ store, clock, log: () => undefined }),
    };
  };

  async function stored(container: string): Promise<number> {
    const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
    let count = 0;
    for await (const blob of service
      .getContainerClient(container)
      .listBlobsFlat({ includeSnapshots: true })) {
      count += blob.name === '' ? 0 : 1;
    }
    return count;
  }

  test('removes files, slots and payloads when the last message has ended, in as many runs as it takes', async () => {
    const sweep = sweeps();
    const kept = await sendFile(owner, [first.did], topicId, bytes);
    await publish(owner, messageTo([second.did], topicId, { fileId: kept, ttlSeconds: 20 * 3_600 }));
    for (let index = 0; index < 3; index++) await sendFile(owner, [first.did], topicId, bytes);
    await openFile(owner, [], topicId, bytes);
    await publish(owner, messageTo([first.did], topicId, { payload: 'x'.repeat(3_000_000) }));
    await sweep.files.run(() => false);
    expect(await status(first, kept)).toBe(200);

    aheadMs = 9 * hour;
    const before = await stored('ddhub-file-records');
    expect((await sweep.files.run(() => true)).removed).toBe(1);
    expect(await stored('ddhub-file-records')).toBe(before - 1);
    await sweep.files.run(() => false);
    expect(await stored('ddhub-file-records')).toBeGreaterThanOrEqual(1);
    expect(await status(second, kept)).toBe(200);
    const { body } = await second.request<FileAnswer>('GET', `/files/${kept}`);
    expect(body.fileId).toBe(kept);

    aheadMs = 40 * hour;
    await sweep.files.run(() => false);
    expect([await stored('ddhub-file-records'), await stored('ddhub-files')]).toEqual([0, 0]);
    expect((await sweep.payloads.sweep(() => false)).removed).toBe(1);
    expect(await stored('ddhub-payloads')).toBe(0);
    expect((await sweep.files.run(() => false)).removed).toBe(0);
  });
});
