// Anonymous mailboxes on real NATS with two instances: registered keys, who may send, who may read.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  failures,
  type Fields,
  idsOf,
  messageTo,
  payloadsOf,
  publish,
  search,
  sentIds,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let site: BrokerSite;
let one: Broker;
let other: Broker;
let sender: Participant;
let owner: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  one = site.start({ natsUrl: server.url });
  other = site.start({ natsUrl: server.url });
  [sender, owner] = await Promise.all([one.logIn(), one.logIn()]);
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

interface KeyStatus {
  readonly anonymousKey: string;
  readonly status: string;
  readonly message: string;
}

async function register(participant: Participant, ...keys: readonly string[]): Promise<readonly KeyStatus[]> {
  const body = { anonymousKeys: keys.map((anonymousKey) => ({ anonymousKey })) };
  const answer = await participant.request<{ status: KeyStatus[] }>('POST', '/channel/initExtChannel', body);
  expect(answer.status).toBe(200);
  return answer.body.status;
}

const newKey = (): string => randomBytes(16).toString('base64');
const success = (anonymousKey: string) =>
  expect.objectContaining({ anonymousKey, status: 'Success' }) as unknown;

/** Sends to keys. @returns ids of what was sent */
async function sendTo(
  keys: readonly string[],
  payload = 'opaque',
  fields: Fields = {},
): Promise<readonly string[]> {
  return sentIds(
    await publish(sender, messageTo([], topicId, { anonymousRecipient: keys, payload, ...fields })),
  );
}

const searchStatus = async (reader: Participant, anonymousRecipient: string) =>
  (await reader.request('POST', '/messages/search', { clientId: 'reader', anonymousRecipient })).status;

describe('registering anonymous keys', () => {
  test('answers a status for each key, on first contact and ever after, whoever owns it', async () => {
    const newcomer = await one.logIn();
    const [first, second] = [newKey(), newKey()];
    expect(await register(newcomer, first, second, first)).toEqual([first, second, first].map(success));
    expect(await register(newcomer.at(other), second, first)).toEqual([second, first].map(success));
    const third = newKey();
    expect(await register(owner, first, third)).toEqual([
      { anonymousKey: first, status: 'Fail', message: 'Record exists' },
      success(third),
    ]);
    expect(await register(owner)).toEqual([]);
  });

  test('lets one of many win who register a key at once, on two instances', async () => {
    const crowd = await Promise.all(Array.from({ length: 10 }, () => one.logIn()));
    for (let turn = 0; turn < 5; turn++) {
      const key = newKey();
      const answers = await Promise.all(
        crowd.map((participant, index) => register(participant.at(index % 2 ? one : other), key)),
      );
      const winners = crowd.filter((_, index) => answers[index]?.[0]?.status === 'Success');
      expect(winners).toHaveLength(1);
      for (const participant of crowd) {
        expect(await searchStatus(participant, key)).toBe(winners[0] === participant ? 200 : 403);
      }
    }
  }, 20_000);

  test('refuses a key that looks like a DID, and registers none beside it', async () => {
    const key = newKey();
    for (const hostile of [sender.did, 'did:', 'DID:ethr:0x1', 'did:x']) {
      const body = { anonymousKeys: [{ anonymousKey: key }, { anonymousKey: hostile }] };
      const answer = await owner.request('POST', '/channel/initExtChannel', body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'anonymous-key-is-did', returnCode: '18' } });
    }
    expect(await sendTo([key])).toEqual([]);
  });

  test('compares keys byte for byte, and takes any text that is none of its business', async () => {
    const texts = [
      '*',
      '>',
      'a.b',
      'a_b',
      'A.b',
      ' a.b',
      'é',
      'e\u0301',
      '\u0000',
      '\ud800',
      '$JS.API',
      '__proto__',
    ];
    const salt = newKey();
    const keys = [...texts.map((text) => `${text}${salt}`), 'x'.repeat(255 - salt.length) + salt];
    expect(await register(owner, ...keys)).toEqual(keys.map(success));
    for (const key of keys.filter((text) => text.isWellFormed())) await sendTo([key], key);
    for (const key of keys.filter((text) => text.isWellFormed())) {
      expect(payloadsOf(await search(owner, { anonymousRecipient: key }))).toEqual([key]);
    }
  });

  test('wants keys of 1 to 255 characters, at most a thousand at once', async () => {
    const many = Array.from({ length: 1_000 }, newKey);
    expect(await register(owner, ...many)).toHaveLength(1_000);
    for (const keys of [[''], ['x'.repeat(256)], [...many, newKey()], [7], [{}]]) {
      const body = { anonymousKeys: keys.map((anonymousKey) => ({ anonymousKey })) };
      expect(await owner.request('POST', '/channel/initExtChannel', body)).toMatchObject({
        status: 400,
        body: { returnCode: '17' },
      });
    }
  }, 20_000);
});

describe('an anonymous mailbox', () => {
  test('takes messages from anybody who knows the key, beside those for DIDs', async () => {
    const keys = [newKey(), newKey()];
    const reader = await one.logIn();
    await register(reader, ...keys);
    const answer = await publish(
      sender,
      messageTo([reader.did], topicId, { anonymousRecipient: [...keys, 'unknown', keys[0]] }),
    );
    expect(answer.recipients).toEqual({ total: 4, sent: 3, failed: 1 });
    expect(failures(answer)).toMatchObject([{ did: 'unknown', err: { code: 'MB::INVALID_ANONYMOUSKEY' } }]);
    const found = await search(reader, { anonymousRecipient: keys[1] });
    expect(found).toMatchObject([{ fqcn: keys[1], senderDid: sender.did }]);
    expect(sentIds(answer)).toContain(found[0]?.messageId);
    expect(await search(reader)).toMatchObject([{ fqcn: reader.did }]);
  });

  test('takes 25 recipients a message and no more', async () => {
    const keys = Array.from({ length: 26 }, newKey);
    await register(owner, ...keys);
    expect(await sendTo(keys.slice(1))).toHaveLength(25);
    const tooMany = messageTo([], topicId, { anonymousRecipient: keys });
    expect(await sender.request('POST', '/messages', tooMany)).toMatchObject({
      status: 400,
      body: { returnCode: '17' },
    });
  });

  test('is searched and acknowledged by its owner alone', async () => {
    const key = newKey();
    await register(owner, key);
    const [id = ''] = await sendTo([key], 'secret');
    const stranger = await one.logIn();
    for (const reader of [sender, stranger]) {
      for (const anonymousRecipient of [key, 'unknown']) {
        expect(await searchStatus(reader, anonymousRecipient)).toBe(403);
        const ack = { clientId: 'reader', messageIds: [id], anonymousRecipient };
        expect(await reader.request('POST', '/messages/ack', ack)).toMatchObject({
          status: 403,
          body: { returnCode: '10' },
        });
      }
    }
    // Not under the owner's own mailbox either, nor under another of its keys.
    const second = newKey();
    await register(owner, second);
    expect(await acknowledge(owner, [id])).toEqual({ acked: [], notFound: [id] });
    expect(await acknowledge(owner, [id], { anonymousRecipient: second })).toEqual({
      acked: [],
      notFound: [id],
    });
    const found = await search(owner, { anonymousRecipient: key });
    expect(idsOf(found)).toEqual([id]);
    expect(await acknowledge(owner, [id], { anonymousRecipient: key })).toEqual({
      acked: [id],
      notFound: [],
    });
    expect(await search(owner.at(other), { anonymousRecipient: key })).toEqual([]);
  });

  test('is not covered by its owner’s channels', async () => {
    const [reader, key] = [await one.logIn(), newKey()];
    await register(reader, key);
    const channel = { type: 'sub', dids: [reader.did], enforced: true };
    await reader.request('PUT', '/channels/in', channel);
    expect(await sendTo([key])).toHaveLength(1);
  });

  test('refuses the same transaction twice for one key, and takes it for another', async () => {
    const keys = [newKey(), newKey()];
    await register(owner, ...keys);
    expect(await sendTo(keys.slice(0, 1), 'once', { transactionId: 'tx' })).toHaveLength(1);
    const again = await publish(
      sender,
      messageTo([], topicId, { anonymousRecipient: keys, transactionId: 'tx' }),
    );
    expect(again.recipients).toEqual({ total: 2, sent: 1, failed: 1 });
  });
});
