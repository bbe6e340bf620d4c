// Defects of the first-generation broker that must not come back (contract §8): messages and cursors.

import { randomBytes } from 'node:crypto';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  idsOf,
  messageTo,
  payloadsOf,
  publish,
  search,
  send,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { startTcpProxy } from '../../support/tcp-proxy';

jest.setTimeout(30_000);

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let sender: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  sender = await broker.logIn();
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

async function register(participant: Participant, ...keys: readonly string[]): Promise<readonly string[]> {
  const body = { anonymousKeys: keys.map((anonymousKey) => ({ anonymousKey })) };
  const answer = await participant.request<{ status: { status: string }[] }>(
    'POST',
    '/channel/initExtChannel',
    body,
  );
  return answer.body.status.map(({ status }) => status);
}

/** Counts what is read from the store, by whomever, while something is done. */
async function readsDuring(work: () => Promise<unknown>): Promise<number> {
  const connection = await connect({ servers: server.url });
  let count = 0;
  for (const subject of ['$JS.API.DIRECT.GET.DDHUB_MAIL_*', '$JS.API.STREAM.MSG.GET.DDHUB_MAIL_*']) {
    connection.subscribe(subject, { callback: () => count++ });
  }
  await connection.flush();
  await work();
  await connection.flush();
  await connection.close();
  return count;
}

describe('defects of the first generation: searching and acknowledging', () => {
  test('regression: sender and topic filters by substring', async () => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId, { payload: 'found' });
    const nearSenders = [
      sender.did.slice(0, -1),
      `${sender.did}0`,
      sender.did.toUpperCase(),
      sender.did.slice(4),
    ];
    for (const did of nearSenders) {
      expect(await search(reader, { senderId: [did] })).toEqual([]);
    }
    const near = `${topicId.slice(1)}0`;
    for (const topic of [topicId.slice(0, 12), near]) {
      const answer = await reader.request('POST', '/messages/search', { clientId: 'c', topicId: [topic] });
      expect([400, 404]).toContain(answer.status);
    }
    expect(payloadsOf(await search(reader, { senderId: [sender.did], topicId: [topicId] }))).toEqual([
      'found',
    ]);
  });

  test('regression: non-matching messages acked away by a narrower search', async () => {
    const reader = await broker.logIn();
    const [other, otherSender] = await Promise.all([createTopic(sender), broker.logIn()]);
    await send(sender, reader, topicId, { payload: 'one' });
    await send(sender, reader, other, { payload: 'two' });
    await send(otherSender, reader, topicId, { payload: 'three' });
    for (const filter of [{ topicId: [other] }, { senderId: [otherSender.did] }]) {
      const found = await search(reader, filter);
      expect(found).toHaveLength(1);
      await acknowledge(reader, idsOf(found));
    }
    expect(payloadsOf(await search(reader))).toEqual(['one']);
  });

  test('regression: ack that re-reads all that is pending', async () => {
    const reader = await broker.logIn();
    for (let index = 0; index < 60; index++) await send(sender, reader, topicId);
    const ids = idsOf(await search(reader));
    expect(ids).toHaveLength(60);
    expect(await readsDuring(() => acknowledge(reader, ids.slice(0, 30)))).toBe(0);
    expect(idsOf(await search(reader))).toEqual(ids.slice(30));
  });

  test('regression: from offset dropped', async () => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId, { payload: 'message' });
    const [message] = await search(reader);
    // Nanoseconds of our days are no exact numbers: one in eight divides to a little less.
    const storedMs = Math.round(Number(message?.timestampNanos) / 1e6);
    // The same instant, told two hours to the east: taken without its offset it would be two hours later.
    const eastern = (ms: number) => new Date(ms + 7_200_000).toISOString().replace('Z', '+02:00');
    expect(payloadsOf(await search(reader, { clientId: 'east', from: eastern(storedMs) }))).toEqual([
      'message',
    ]);
    expect(await search(reader, { clientId: 'later', from: eastern(storedMs + 1) })).toEqual([]);
    const id = message?.messageId ?? '';
    await acknowledge(reader, [id], { clientId: 'east', from: new Date(storedMs).toISOString() });
    expect(await search(reader, { clientId: 'east', from: eastern(storedMs) })).toEqual([]);
  });

  test('regression: duplicated topic ids → 404', async () => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId);
    expect(
      await search(reader, { topicId: [topicId, topicId], fqcnTopicList: [topicId, topicId] }),
    ).toHaveLength(1);
  });

  test('regression: waiting 3 s when fewer than amount messages exist', async () => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId);
    await search(reader);
    const startedAt = performance.now();
    expect(await search(reader, { amount: 1_000 })).toHaveLength(1);
    expect(await search(reader, { clientId: 'other', amount: 20_000 })).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  test('regression: client ids deleted by substring, or returned altered', async () => {
    const reader = await broker.logIn();
    const ids = ['app', 'app:1', 'xapp', 'App.x', 'a_b', 'a.b', 'WS_CONSUMER', 'undefined:fqcn'];
    for (const clientId of ids) await search(reader, { clientId });
    await reader.request('DELETE', '/channel/clientIds', { clientIds: ['app'] });
    const listed = await reader.request('GET', '/channel/clientIds');
    expect(listed.body).toEqual(ids.filter((id) => id !== 'app').sort());
  });
});

describe('defects of the first generation: mailboxes', () => {
  test('regression: a.b and b_a (or keys_x) mapping to one stream', async () => {
    const salt = randomBytes(6).toString('hex');
    const keys = [
      `a.b${salt}`,
      `b_a${salt}`,
      `${salt}b.a`,
      `${salt}a_b`,
      `keys_${salt}`,
      `keys.${salt}`,
      `x-${salt}`,
    ];
    const owner = await broker.logIn();
    expect(await register(owner, ...keys)).toEqual(keys.map(() => 'Success'));
    for (const key of keys) {
      await publish(sender, messageTo([], topicId, { anonymousRecipient: [key], payload: key }));
    }
    await sender.request('POST', '/messages/internal', {
      fqcn: owner.did,
      clientGatewayMessageId: 'i',
      payload: 'k',
    });
    for (const anonymousRecipient of keys) {
      expect(payloadsOf(await search(owner, { anonymousRecipient }))).toEqual([anonymousRecipient]);
    }
    expect(await search(owner)).toEqual([]);
  });

  test('regression: key messages lost because they are acked before the answer is sent', async () => {
    const reader = await broker.logIn();
    const key = { fqcn: reader.did, clientGatewayMessageId: 'id', payload: 'key' };
    await sender.request('POST', '/messages/internal', key);
    for (let answersLost = 0; answersLost < 10; answersLost++) {
      const answer = await reader.request('POST', '/messages/internal/search', { clientId: 'c', amount: 1 });
      expect(answer.body).toMatchObject([{ payload: 'key' }]);
    }
  });

  test('regression: initExtChannel ignoring keys on first contact', async () => {
    const newcomer = await broker.logIn();
    const anonymousKey = randomBytes(8).toString('hex');
    expect(await register(newcomer, anonymousKey)).toEqual(['Success']);
    await publish(sender, messageTo([], topicId, { anonymousRecipient: [anonymousKey] }));
    expect(await search(newcomer, { anonymousRecipient: anonymousKey })).toHaveLength(1);
  });
});

describe('defects of the first generation: publishing', () => {
  test('regression: top-level JSON arrays and strings with - . / quotes < > refused as payloads', async () => {
    const reader = await broker.logIn();
    const payloads = [
      '[]',
      '[1,"a",{"b":null}]',
      '"- . / \' \\" < >"',
      'null',
      '0',
      'true',
      '"2026-01-31/a.b"',
      '[["<x>"]]',
    ];
    for (const payload of payloads)
      await send(sender, reader, topicId, { payload, payloadEncryption: false });
    expect(payloadsOf(await search(reader))).toEqual(payloads);
  });

  test('regression: empty transactionId taken for an id', async () => {
    const reader = await broker.logIn();
    for (let turn = 0; turn < 3; turn++) await send(sender, reader, topicId, { transactionId: '' });
    expect(await search(reader)).toHaveLength(3);
  });

  test('regression: total not equal to sent + failed', async () => {
    const [reader, key] = [await broker.logIn(), randomBytes(8).toString('hex')];
    await register(reader, key);
    await send(sender, reader, topicId, { transactionId: 'seen' });
    for (const [fqcns, anonymousRecipient] of [
      [[], []],
      [
        [reader.did, reader.did],
        [key, key],
      ],
      [
        [reader.did, 'no did', ''],
        [key, 'unknown'],
      ],
      [['no did'], ['unknown']],
    ]) {
      const fields = { anonymousRecipient, transactionId: 'seen' };
      const { recipients, status } = await publish(sender, messageTo(fqcns ?? [], topicId, fields));
      const details = (name: string) => status.find((entry) => entry.name === name)?.details.length ?? 0;
      expect(recipients.total).toBe(new Set([...(fqcns ?? []), ...(anonymousRecipient ?? [])]).size);
      expect(recipients.total).toBe(recipients.sent + recipients.failed);
      expect([recipients.sent, recipients.failed]).toEqual([details('SENT'), details('FAILED')]);
    }
  });

  test('regression: a new NATS connection per request', async () => {
    const proxy = await startTcpProxy(() => server.port);
    const through = site.start({ natsUrl: `nats://127.0.0.1:${proxy.port}` });
    const reader = await through.logIn();
    await send(sender.at(through), reader, topicId);
    for (let turn = 0; turn < 10; turn++) {
      await acknowledge(reader, idsOf(await search(reader, { clientId: `c${turn}` })), {
        clientId: `c${turn}`,
      });
    }
    expect(proxy.accepted()).toBe(2);
    await through.close();
    await proxy.close();
  });
});
