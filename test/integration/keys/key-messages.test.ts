// Key messages on real NATS: never behind the message they belong to, never lost with an answer, and whole.

import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { createTopic, type Fields, type FoundMessage, search, send } from '../../support/broker-messages';
import { type NatsCluster, startNatsCluster } from '../../support/nats-cluster';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

async function sendKey(
  sender: Participant,
  recipient: Participant,
  payload: string,
  id: string = randomUUID(),
) {
  const body = { fqcn: recipient.did, clientGatewayMessageId: id, payload };
  const answer = await sender.request<{ messageId: string }>('POST', '/messages/internal', body);
  expect(answer).toMatchObject({
    status: 200,
    body: { messageId: expect.stringMatching(/^[0-9a-f]{24}$/) as unknown },
  });
  return answer.body.messageId;
}

async function searchKeys(reader: Participant, fields: Fields = {}): Promise<readonly FoundMessage[]> {
  const answer = await reader.request<FoundMessage[]>('POST', '/messages/internal/search', {
    clientId: 'reader',
    ...fields,
  });
  expect(answer.status).toBe(200);
  return answer.body;
}

const payloads = (keys: readonly FoundMessage[]): readonly string[] => keys.map(({ payload }) => payload);

describe('key messages', () => {
  let server: NatsServer;
  let site: BrokerSite;
  let one: Broker;
  let other: Broker;
  let sender: Participant;

  beforeAll(async () => {
    server = await startNatsServer();
    site = await createBrokerSite();
    one = site.start({ natsUrl: server.url });
    other = site.start({ natsUrl: server.url });
    sender = await one.logIn();
  });

  afterAll(async () => {
    await site.close();
    await server.stop();
  });

  test('come with the members of a message', async () => {
    const reader = await one.logIn();
    const messageId = await sendKey(sender, reader, 'the key', 'message-1');
    const [key] = await searchKeys(reader);
    expect(key).toMatchObject({
      messageId,
      clientGatewayMessageId: 'message-1',
      senderDid: sender.did,
      fqcn: reader.did,
      payload: 'the key',
      topicId: '0'.repeat(24),
      isFile: false,
    });
  });

  test('do not stand among the messages, nor messages among them', async () => {
    const reader = await one.logIn();
    const topicId = await createTopic(sender);
    await sendKey(sender, reader, 'key');
    await send(sender, reader, topicId, { payload: 'message' });
    expect((await search(reader)).map(({ payload }) => payload)).toEqual(['message']);
    expect(payloads(await searchKeys(reader))).toEqual(['key']);
  });

  test('come whole, in order and byte for byte, however few are asked for', async () => {
    const reader = await one.logIn();
    const sent = Array.from(
      { length: 300 },
      (_, index) => `${index} é e\u0301 😀 \u0000 " \\ ${' '.repeat(index % 3)}`,
    );
    for (const payload of sent) await sendKey(sender, reader, payload);
    expect(payloads(await searchKeys(reader, { amount: 1 }))).toEqual(sent);
    expect(payloads(await searchKeys(reader.at(other), { amount: null, clientId: null }))).toEqual(sent);
  });

  test('are refused for an unknown recipient, by its channels, and without a payload', async () => {
    const refused = async (from: Participant, fields: Fields) =>
      (
        await from.request('POST', '/messages/internal', {
          fqcn: sender.did,
          clientGatewayMessageId: 'id',
          payload: 'key',
          ...fields,
        })
      ).body;
    for (const fqcn of [
      'did:ethr:volta:0x0000000000000000000000000000000000000001',
      '',
      '*',
      'no did',
      `${sender.did} `,
    ]) {
      expect(await refused(sender, { fqcn })).toMatchObject({ status: 404, returnCode: '21' });
    }
    for (const fields of [
      ...[{ payload: undefined }, { payload: null }, { payload: 7 }, { payload: 'x'.repeat(16_385) }],
      ...[{ payload: '\ud800' }, { clientGatewayMessageId: '' }, { fqcn: 'x'.repeat(201) }],
    ]) {
      expect(await refused(sender, fields)).toMatchObject({ status: 400, returnCode: '17' });
    }
    const [owner, friend, stranger] = await Promise.all([one.logIn(), one.logIn(), one.logIn()]);
    // Topics do not matter for keys.
    const channel = { type: 'sub', dids: [friend.did], topics: ['f'.repeat(24)], enforced: true };
    await owner.request('PUT', '/channels/in', channel);
    expect(await refused(stranger, { fqcn: owner.did })).toMatchObject({ status: 400, returnCode: '16' });
    await sendKey(friend, owner, 'welcome');
    expect(payloads(await searchKeys(owner))).toEqual(['welcome']);
  });

  test('sent to oneself come back', async () => {
    await sendKey(sender, sender, 'mine');
    expect(payloads(await searchKeys(sender))).toEqual(['mine']);
  });
});

describe('on three replicas and two instances', () => {
  let cluster: NatsCluster;
  let site: BrokerSite;

  beforeAll(async () => {
    cluster = await startNatsCluster();
    await cluster.ready();
    site = await createBrokerSite({
      STREAM_REPLICAS: '3',
      SHARD_COUNT: '1',
      NATS_CREDENTIALS: cluster.brokerSeed,
      NATS_CA_PEM: cluster.ca,
    });
  }, 60_000);

  afterAll(async () => {
    await site.close();
    await cluster.stop();
  }, 20_000);

  test('whoever has found a message finds its key', async () => {
    const one = site.start({ natsUrl: cluster.servers.join(',') });
    const other = site.start({ natsUrl: cluster.servers.join(',') });
    const sender = await one.logIn();
    const reader = (await one.logIn()).at(other);
    const topicId = await createTopic(sender);
    const rounds = 150;
    const seen = new Set<string>();
    const sending = (async () => {
      for (let round = 0; round < rounds; round++) {
        const clientGatewayMessageId = `${round}-${randomBytes(4).toString('hex')}`;
        await sendKey(sender, reader, 'key', clientGatewayMessageId);
        await send(sender, reader, topicId, { clientGatewayMessageId });
      }
    })();
    const state = { hasFailed: false };
    sending.catch(() => (state.hasFailed = true));
    while (seen.size < rounds && !state.hasFailed) {
      const found = await search(reader, { amount: 1_000 });
      const unseen = found.filter(({ clientGatewayMessageId }) => !seen.has(clientGatewayMessageId));
      if (!unseen.length) continue;
      const keys = new Set(
        (await searchKeys(reader)).map(({ clientGatewayMessageId }) => clientGatewayMessageId),
      );
      for (const { clientGatewayMessageId } of unseen) {
        expect(keys.has(clientGatewayMessageId)).toBe(true);
        seen.add(clientGatewayMessageId);
      }
    }
    await sending;
  }, 60_000);
});
