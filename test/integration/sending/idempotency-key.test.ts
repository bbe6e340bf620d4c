// Idempotency-Key on a real store: a call is carried out once for its key, on whichever instance it comes in again, and
// what a crash left in the middle is found before anything is sent again. Only clocks are faked.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createIdentityToken, createKeyPair, didOf } from '../../../client';
import {
  type Broker,
  type BrokerAnswer,
  type BrokerSite,
  createBrokerSite,
  type Participant,
} from '../../support/broker';
import {
  createTopic,
  failures,
  type Fields,
  idsOf,
  messageTo,
  type ProblemAnswer,
  publish as plainPublish,
  type PublishAnswer,
  search,
  sentIds,
} from '../../support/broker-messages';
import { type IdempotencyRecords, openIdempotencyRecords } from '../../support/idempotency-records';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let other: Broker;
/** What the instances take for the time, beyond the real one. Unit: ms. */
let aheadMs = 0;
let records: IdempotencyRecords;
let alice: Participant;
let bob: Participant;
let carol: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  const clock = () => Date.now() + aheadMs;
  broker = site.start({ natsUrl: server.url, clock });
  other = site.start({ natsUrl: server.url, clock });
  records = openIdempotencyRecords(server.url);
  [alice, bob, carol] = await Promise.all([broker.logIn(), broker.logIn(), broker.logIn()]);
  topicId = await createTopic(alice);
});

afterAll(async () => {
  await records.close();
  await site.close();
  await server.stop();
});

function publish(
  sender: Participant,
  message: Fields,
  key: string,
): Promise<BrokerAnswer<PublishAnswer & ProblemAnswer>> {
  return sender.request('POST', '/messages', message, sender.accessToken, { 'Idempotency-Key': key });
}

const found = async (reader: Participant): Promise<readonly string[]> =>
  idsOf(await search(reader, { clientId: randomUUID() }));

describe('a call with an Idempotency-Key', () => {
  test('is answered again as it was, byte for byte, on every instance, and carried out once', async () => {
    const key = randomUUID();
    const message = messageTo([bob.did, 'nobody'], topicId);
    const first = await publish(alice, message, `"${key}"`);
    expect(first.status).toBe(200);
    for (const instance of [broker, other]) {
      // With and without quotes it is the same key.
      const again = await publish(alice.at(instance), message, key);
      expect([again.status, again.text]).toEqual([200, first.text]);
    }
    expect(await found(bob)).toEqual(sentIds(first.body));
  });

  test('is refused with 422 when the key belongs to another body', async () => {
    const key = randomUUID();
    await publish(alice, messageTo([bob.did], topicId), key);
    const answer = await publish(alice.at(other), messageTo([carol.did], topicId), key);
    expect([answer.status, answer.body.code]).toEqual([422, 'idempotency-key-reused']);
  });

  test('gives a refusal again too', async () => {
    const key = randomUUID();
    const message = messageTo([bob.did], '0'.repeat(24));
    const first = await publish(alice, message, key);
    expect(first.status).toBe(404);
    expect(first.headers.get('content-type')).toBe('application/problem+json');
    const again = await publish(alice.at(other), message, key);
    expect([again.status, again.text]).toEqual([404, first.text]);
    expect(again.headers.get('content-type')).toBe('application/problem+json');
  });

  test('is another’s where the participant or the operation is another', async () => {
    const key = randomUUID();
    const reader = await broker.logIn();
    const message = messageTo([reader.did], topicId);
    const answers = [
      await publish(alice, message, key),
      await publish(carol, message, key),
      await alice.request('POST', '/messages/batch', { messages: [message] }, alice.accessToken, {
        'Idempotency-Key': key,
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await found(reader)).toHaveLength(3);
  });

  test.each(['', '"', '""', '"a" "b"', '"a", "b"', 'é', '"a";b=1', 'a b', '"\\x"', 'x'.repeat(256)])(
    'is refused when the key is %j',
    async (key) => {
      const answer = await publish(alice, messageTo([bob.did], topicId), key);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid-parameters']);
    },
  );

  test('that is made many times at once, on two instances, is carried out once', async () => {
    const reader = await broker.logIn();
    const key = randomUUID();
    const message = messageTo([reader.did], topicId);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_none, index) =>
        publish(alice.at(index % 2 ? broker : other), message, key),
      ),
    );
    const texts = new Set(answers.filter(({ status }) => status === 200).map(({ text }) => text));
    expect(texts.size).toBe(1);
    for (const { status, body, headers } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, body.code]).toEqual([409, 'idempotent-call-running']);
      expect(headers.get('retry-after')).toBe('1');
    }
    expect(await found(reader)).toHaveLength(1);
  });

  test('leaves neither payload nor signature nor the key itself in its record', async () => {
    const key = randomUUID();
    const marked = { payload: `secret-${randomUUID()}`, signature: `secret-${randomUUID()}` };
    await publish(alice, messageTo([bob.did], topicId, marked), key);
    const record = await records.textOf(alice, 'publishMessage', key);
    expect(record).toContain('"state":"kept"');
    expect(record).not.toContain('secret-');
    expect(record).not.toContain(key);
  });
});

describe('a call that a crash has left running', () => {
  test('answers 409 for a minute, then is taken over: who has the message keeps its id, who has none is sent it', async () => {
    const reader = await broker.logIn();
    const late = createKeyPair();
    const key = randomUUID();
    const message = messageTo([reader.did, didOf(late)], topicId, { transactionId: randomUUID() });
    const first = await publish(alice, message, key);
    // As if it had been killed before the second message was stored.
    expect(failures(first.body).map(({ did }) => did)).toEqual([didOf(late)]);
    await records.unfinish(alice, 'publishMessage', key);
    const login = { identityToken: createIdentityToken(late) };
    const { body } = await broker.request<{ access_token: string }>('POST', '/auth/login', login);
    const second = broker.participant(didOf(late), body.access_token);
    const early = await publish(alice.at(other), message, key);
    expect([early.status, early.body.code]).toEqual([409, 'idempotent-call-running']);
    aheadMs += 61_000;
    const again = await publish(alice.at(other), message, key);
    expect(again.body.recipients).toEqual({ total: 2, sent: 2, failed: 0 });
    expect(sentIds(again.body)[0]).toBe(sentIds(first.body)[0]);
    expect(await found(reader)).toEqual(sentIds(first.body));
    expect(await found(second)).toEqual([sentIds(again.body)[1]]);
    expect((await publish(alice, message, key)).text).toBe(again.text);
  });

  test('finds its messages also when the store has forgotten their Nats-Msg-Id', async () => {
    const reader = await broker.logIn();
    const short = site.start({
      natsUrl: server.url,
      settings: { DUPLICATE_WINDOW_SECONDS: '1' },
      clock: () => Date.now() + aheadMs,
    });
    const key = randomUUID();
    const message = messageTo([reader.did], topicId);
    const answer = await publish(alice.at(short), message, key);
    await records.unfinish(alice, 'publishMessage', key);
    // A later message whose id the store takes for a new one again: then it has forgotten the earlier one too.
    const probe = messageTo([carol.did], topicId, { transactionId: randomUUID() });
    await plainPublish(alice.at(short), probe);
    await eventually(async () => sentIds(await plainPublish(alice.at(short), probe)).length > 0);
    aheadMs += 61_000;
    const late = await publish(alice.at(short), message, key);
    expect(sentIds(late.body)).toEqual(sentIds(answer.body));
    expect(await found(reader)).toHaveLength(1);
  });
});
