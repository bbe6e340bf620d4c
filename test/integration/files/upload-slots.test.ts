// Upload slots that are opened and left, over two instances of the broker on one store.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type Azurite, startAzurite } from '../../support/azurite';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { describeFile, type Slot } from '../../support/broker-files';
import { createTopic, type ProblemAnswer } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const limit = 3;
let server: NatsServer;
let azurite: Azurite;
let site: BrokerSite;
let instances: readonly [Broker, Broker];
let topicId: string;

beforeAll(async () => {
  [server, azurite] = await Promise.all([startNatsServer(), startAzurite()]);
  site = await createBrokerSite({
    SHARD_COUNT: '1',
    BLOB_CONNECTION_STRING: azurite.connectionString,
    UPLOAD_SLOTS_PER_PARTICIPANT: String(limit),
  });
  instances = [site.start({ natsUrl: server.url }), site.start({ natsUrl: server.url })];
  topicId = await createTopic(await instances[0].logIn());
});

afterAll(async () => {
  await site.close();
  await Promise.all([server.stop(), azurite.stop()]);
});

const open = (owner: Participant) =>
  owner.request<Slot & ProblemAnswer>('POST', '/files', describeFile([], topicId, Buffer.from('x')));

test('regression: end at the limit, at whichever instance they are opened, and a removed one makes room', async () => {
  const [first, second] = instances;
  const owner = await first.logIn();
  const slots = [];
  for (let count = 0; count < limit; count++) slots.push(await open(owner));
  expect(slots.map(({ status }) => status)).toEqual([200, 200, 200]);
  const elsewhere = owner.at(second);
  for (const refused of [await open(owner), await open(elsewhere)]) {
    expect([refused.status, refused.body.code]).toEqual([409, 'limit-reached']);
  }
  expect((await open(await first.logIn())).status).toBe(200);
  const removal = await owner.request('DELETE', `/files/${slots[0]?.body.fileId ?? ''}`);
  expect(removal.status).toBe(200);
  expect((await open(owner)).status).toBe(200);
  expect((await open(owner)).status).toBe(409);
});
