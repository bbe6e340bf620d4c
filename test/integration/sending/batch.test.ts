// POST /messages/batch: each message for itself, those of one recipient and topic in their order.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  type Broker,
  type BrokerSite,
  createBrokerSite,
  type Participant,
  topicOwner,
} from '../../support/broker';
import {
  createTopic,
  type Fields,
  messageTo,
  payloadsOf,
  type ProblemAnswer,
  type PublishAnswer,
  search,
  sentIds,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

interface Result {
  readonly status: number;
  readonly body: PublishAnswer & ProblemAnswer;
}

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let alice: Participant;
let bob: Participant;
let topicId: string;
let numbers: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  [alice, bob] = await Promise.all([broker.logIn(), broker.logIn()]);
  topicId = await createTopic(alice);
  numbers = await createTopic(alice, '{"type":"integer"}');
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

async function sendBatch(messages: readonly unknown[]): Promise<readonly Result[]> {
  const { status, body } = await alice.request<{ results: Result[] }>('POST', '/messages/batch', {
    messages,
  });
  expect(status).toBe(200);
  return body.results;
}

describe('a batch', () => {
  test('is answered message by message, as POST /messages answers; a bad one harms no other', async () => {
    const good = messageTo([bob.did], topicId);
    const clear = messageTo([bob.did], numbers, { payloadEncryption: false });
    const bad: readonly [unknown, number, string][] = [
      [null, 400, 'invalid-parameters'],
      ['text', 400, 'invalid-parameters'],
      [{ ...good, signature: undefined }, 400, 'invalid-parameters'],
      [{ ...good, payload: undefined }, 400, 'invalid-parameters'],
      [{ ...good, recipientRoles: { a: 1 } }, 400, 'invalid-parameters'],
      [{ ...good, signature: '\ud800' }, 400, 'invalid-parameters'],
      [{ ...good, topicId: '0'.repeat(24) }, 404, 'topic-not-found'],
      [{ ...clear, payload: '"text"' }, 400, 'schema-violation'],
      [{ ...good, fileId: 'none' }, 403, 'forbidden'],
      [{ ...good, payload: 'x'.repeat(8 * 1024 * 1024 + 1) }, 413, 'payload-too-large'],
    ];
    const messages = bad.flatMap(([message]) => [good, message]);
    const results = await sendBatch([...messages, { ...clear, payload: '7' }]);
    expect(
      results.filter((_result, index) => index % 2 === 1).map(({ status, body }) => [status, body.code]),
    ).toEqual(bad.map(([, status, code]) => [status, code]));
    const sent = results.filter((_result, index) => index % 2 === 0);
    expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 200));
    const ids = sent.flatMap(({ body }) => sentIds(body));
    expect(new Set(ids).size).toBe(sent.length);
    const found = await search(bob, { clientId: 'mixed' });
    expect(new Set(found.map(({ messageId }) => messageId))).toEqual(new Set(ids));
  });

  test('reaches each recipient in its order, topic by topic', async () => {
    const readers = await Promise.all([broker.logIn(), broker.logIn(), broker.logIn()]);
    const dids = readers.map(({ did }) => did);
    const messages = Array.from({ length: 100 }, (_none, index): Fields => {
      // Some to all of them, some to one.
      const to = index % 3 === 0 ? dids : [dids[index % 3] ?? ''];
      return messageTo(to, index % 2 ? topicId : numbers, { payload: String(index) });
    });
    const results = await sendBatch(messages);
    expect(results.every(({ body }) => body.recipients.failed === 0)).toBe(true);
    for (const [at, reader] of readers.entries()) {
      for (const [parity, topic] of [numbers, topicId].entries()) {
        const expected = messages
          .map((_message, index) => index)
          .filter((index) => index % 2 === parity && (index % 3 === 0 || index % 3 === at));
        const found = await search(reader, { clientId: `in-order-${parity}`, topicId: [topic] });
        expect(payloadsOf(found)).toEqual(expected.map(String));
      }
    }
  });

  test('knows a transaction id that comes twice in it', async () => {
    const message = messageTo([bob.did], topicId, { transactionId: 'the same' });
    const results = await sendBatch([message, message]);
    expect(results.map(({ body }) => body.recipients.sent)).toEqual([1, 0]);
    expect(results[1]?.body.status[0]?.details[0]?.err).toEqual({
      code: 'MB::NATS_SERVER',
      reason: 'Duplicate transaction id.',
    });
  });

  test('regression: has no more recipients in all than one message may have, holders of roles included', async () => {
    const reader = await broker.logIn();
    const names = Array.from({ length: 10_000 }, (_none, index) => `nobody ${index}`);
    const send = (messages: readonly unknown[]) =>
      alice.request<{ results: Result[] } & ProblemAnswer>('POST', '/messages/batch', { messages });
    const toReader = messageTo([reader.did], topicId);
    const toHolders = { ...messageTo([], topicId), recipientRoles: [`user.roles.${topicOwner}`] };
    for (const tooMany of [messageTo(names, topicId), messageTo(names.slice(1), topicId)]) {
      const { status, body } = await send([toReader, toHolders, tooMany]);
      expect([status, body.code, body.errors?.map(({ field }) => field)]).toEqual([
        400,
        'invalid-parameters',
        ['messages'],
      ]);
    }
    expect(await search(reader, { clientId: 'too-many' })).toEqual([]);
    const { status, body } = await send([toReader, messageTo([...names.slice(1), names[1] ?? ''], topicId)]);
    expect([status, body.results.map((result) => result.body.recipients.total)]).toEqual([200, [1, 9_999]]);
  });

  test('is a list of at most 100 messages', async () => {
    const statusOf = async (body: unknown) => (await alice.request('POST', '/messages/batch', body)).status;
    expect(await statusOf(undefined)).toBe(400);
    expect(await statusOf({})).toBe(400);
    expect(await statusOf({ messages: [] })).toBe(200);
    expect(await statusOf({ messages: Array.from({ length: 100 }, () => ({})) })).toBe(200);
    expect(await statusOf({ messages: Array.from({ length: 101 }, () => ({})) })).toBe(400);
  });
});

describe('recipientRoles', () => {
  const role = `user.roles.${topicOwner}`;

  test('send to whoever holds one of them, once each, and to the sender like any other', async () => {
    const message = messageTo([bob.did], topicId, { recipientRoles: [role, 'nobody’s'] });
    const answer = await alice.request<PublishAnswer>('POST', '/messages', message);
    const dids = answer.body.status.flatMap(({ details }) => details.map(({ did }) => did));
    const { body } = await alice.request<{ dids: string[] }>(
      'GET',
      `/roles/list?roles=${role}&searchType=ANY`,
    );
    expect(new Set(dids)).toEqual(new Set(body.dids));
    expect(dids).toHaveLength(new Set(dids).size);
    expect(dids).toEqual(expect.arrayContaining([alice.did, bob.did]));
    expect(answer.body.recipients.failed).toBe(0);
    const [result] = await sendBatch([message]);
    expect(result?.body.recipients).toEqual(answer.body.recipients);
  });

  test('that nobody holds, and none at all, are no error', async () => {
    for (const recipientRoles of [['nobody’s'], []]) {
      const answer = await alice.request<PublishAnswer>('POST', '/messages', {
        ...messageTo([], topicId),
        recipientRoles,
      });
      expect([answer.status, answer.body.recipients.total]).toEqual([200, 0]);
    }
  });

  test('are refused when they are malformed', async () => {
    const tooMany = Array.from({ length: 1_001 }, () => 'a');
    for (const recipientRoles of [[''], [7], [['a']], tooMany, ['x'.repeat(256)]]) {
      const message = { ...messageTo([], topicId), recipientRoles };
      const answer = await alice.request<ProblemAnswer>('POST', '/messages', message);
      expect([answer.status, answer.body.returnCode]).toEqual([400, '17']);
    }
  });
});
