// Publishing as contract §0 and §3 promise it: outcomes per recipient, duplicates, validation and limits.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  createTopic,
  type Fields,
  failures,
  messageTo,
  type ProblemAnswer,
  publish,
  type PublishAnswer,
  search,
  send,
  sentIds,
} from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let sender: Participant;
let recipient: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite({ DUPLICATE_WINDOW_SECONDS: '2' });
  broker = site.start({ natsUrl: server.url });
  sender = await broker.logIn();
  recipient = await broker.logIn();
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

async function refused(fields: Fields, recipients = [recipient.did]): Promise<ProblemAnswer> {
  const message = messageTo(recipients, topicId, fields);
  return (await sender.request<ProblemAnswer>('POST', '/messages', message)).body;
}

describe('the answer to a publish', () => {
  test('names the sender, the message and each outcome, and counts them', async () => {
    const other = await broker.logIn();
    const stranger = 'did:ethr:volta:0x0000000000000000000000000000000000000001';
    const clientGatewayMessageId = randomUUID();
    const answer = await publish(
      sender,
      messageTo([recipient.did, stranger, other.did], topicId, { clientGatewayMessageId }),
    );
    expect(answer).toEqual({
      clientGatewayMessageId,
      did: sender.did,
      recipients: { total: 3, sent: 2, failed: 1 },
      status: [
        {
          name: 'SENT',
          details: [recipient, other].map(({ did }) => ({
            did,
            messageId: expect.stringMatching(/^[0-9a-f]{24}$/),
            statusCode: 200,
          })),
        },
        {
          name: 'FAILED',
          details: [
            {
              did: stranger,
              statusCode: 400,
              err: { code: 'MB::INVALID_FQCN', reason: `fqcn:${stranger} not exists` },
            },
          ],
        },
      ],
    });
  });

  test('has only the entries that have details', async () => {
    const sent = await publish(sender, messageTo([recipient.did], topicId));
    expect(sent.status.map(({ name }) => name)).toEqual(['SENT']);
    const failed = await publish(sender, messageTo(['did:example:nobody'], topicId));
    expect(failed.status.map(({ name }) => name)).toEqual(['FAILED']);
    expect(failed.recipients).toEqual({ total: 1, sent: 0, failed: 1 });
  });

  test.each([
    ['an empty list', []],
    ['no list', undefined],
    ['null', null],
  ])('has zeros and an empty status for %s of recipients', async (_name, fqcns) => {
    const answer = await publish(sender, messageTo([], topicId, { fqcns }));
    expect(answer.recipients).toEqual({ total: 0, sent: 0, failed: 0 });
    expect(answer.status).toEqual([]);
  });

  test('counts a repeated recipient once, and stores one message for it', async () => {
    const reader = await broker.logIn();
    const answer = await publish(sender, messageTo([reader.did, reader.did, reader.did], topicId));
    expect(answer.recipients).toEqual({ total: 1, sent: 1, failed: 0 });
    expect(await search(reader)).toHaveLength(1);
  });

  test.each([
    ['nobody', 'did:example:nobody'],
    ['an empty text', ''],
    ['no DID', 'not a did'],
    ['a wildcard', 'did:ethr:volta:*'],
    ['a subject', 'ddhub.0.>'],
    ['a DID with a NUL', 'did:example:\0'],
    ['a DID with a line break', 'did:example:a\r\nNats-Msg-Id: x'],
    ['an emoji', 'did:example:😀'],
    ['a prototype', '__proto__'],
  ])('has a failure and not an error for %s among good recipients', async (_name, hostile) => {
    const answer = await publish(sender, messageTo([hostile, recipient.did], topicId));
    expect(answer.recipients).toEqual({ total: 2, sent: 1, failed: 1 });
    expect(failures(answer)).toEqual([
      {
        did: hostile,
        statusCode: 400,
        err: { code: 'MB::INVALID_FQCN', reason: `fqcn:${hostile} not exists` },
      },
    ]);
  });

  test('compares a recipient byte for byte: another case is another DID', async () => {
    const answer = await publish(sender, messageTo([recipient.did.toUpperCase()], topicId));
    expect(answer.recipients).toEqual({ total: 1, sent: 0, failed: 1 });
  });

  test('has a failure for every anonymous key that nobody has registered', async () => {
    const answer = await publish(sender, messageTo([], topicId, { anonymousRecipient: ['key-1', 'key-2'] }));
    expect(failures(answer).map(({ did, err }) => [did, err?.code])).toEqual([
      ['key-1', 'MB::INVALID_ANONYMOUSKEY'],
      ['key-2', 'MB::INVALID_ANONYMOUSKEY'],
    ]);
    expect(answer.recipients).toEqual({ total: 2, sent: 0, failed: 2 });
  });

  test('has an outcome for each of 300 recipients', async () => {
    const readers = await Promise.all(Array.from({ length: 8 }, () => broker.logIn()));
    const strangers = Array.from({ length: 292 }, (_none, index) => `did:example:stranger-${index}`);
    const answer = await publish(
      sender,
      messageTo([...strangers, ...readers.map(({ did }) => did)], topicId),
    );
    expect(answer.recipients).toEqual({ total: 300, sent: 8, failed: 292 });
    for (const reader of readers) expect(await search(reader)).toHaveLength(1);
  });
});

describe('a duplicate', () => {
  const isDuplicate = (answer: PublishAnswer): boolean => {
    const [failure] = failures(answer);
    if (!failure) return false;
    expect(failure.err).toEqual({ code: 'MB::NATS_SERVER', reason: 'Duplicate transaction id.' });
    return true;
  };

  test('is a failure of its recipient while the window lasts, and a new message afterwards', async () => {
    const reader = await broker.logIn();
    const message = messageTo([reader.did], topicId, { transactionId: randomUUID() });
    expect(isDuplicate(await publish(sender, message))).toBe(false);
    expect(isDuplicate(await publish(sender, { ...message, payload: 'another' }))).toBe(true);
    expect(await search(reader)).toHaveLength(1);
    await eventually(async () => !isDuplicate(await publish(sender, message)));
    expect(await search(reader)).toHaveLength(2);
  });

  test('is told by transaction id, sender, recipient and topic together', async () => {
    const [reader, otherReader, otherSender, otherTopic] = await Promise.all([
      broker.logIn(),
      broker.logIn(),
      broker.logIn(),
      createTopic(sender),
    ]);
    const transactionId = randomUUID();
    await publish(sender, messageTo([reader.did], topicId, { transactionId }));
    const again = (who: Participant, to: Participant, topic: string, id: string) =>
      publish(who, messageTo([to.did], topic, { transactionId: id })).then(isDuplicate);
    expect(await again(sender, reader, topicId, transactionId)).toBe(true);
    expect(await again(sender, reader, topicId, `${transactionId} `)).toBe(false);
    expect(await again(otherSender, reader, topicId, transactionId)).toBe(false);
    expect(await again(sender, otherReader, topicId, transactionId)).toBe(false);
    expect(await again(sender, reader, otherTopic, transactionId)).toBe(false);
    expect(await search(reader)).toHaveLength(4);
  });

  test('concerns its own recipient alone', async () => {
    const [first, second] = await Promise.all([broker.logIn(), broker.logIn()]);
    const transactionId = randomUUID();
    await send(sender, first, topicId, { transactionId });
    const answer = await publish(sender, messageTo([first.did, second.did], topicId, { transactionId }));
    expect(answer.recipients).toEqual({ total: 2, sent: 1, failed: 1 });
    expect(failures(answer).map(({ did }) => did)).toEqual([first.did]);
  });

  test.each([
    ['an empty transaction id', ''],
    ['null', null],
    ['none', undefined],
  ])('is never seen with %s', async (_name, transactionId) => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId, { transactionId });
    await send(sender, reader, topicId, { transactionId });
    const found = await search(reader);
    expect(found).toHaveLength(2);
    for (const message of found) expect(message).not.toHaveProperty('transactionId');
  });

  test('is stored by one of many that come at once', async () => {
    const reader = await broker.logIn();
    const message = messageTo([reader.did], topicId, { transactionId: randomUUID() });
    const other = site.start({ natsUrl: server.url });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_none, index) => publish(sender.at(index % 2 ? broker : other), message)),
    );
    expect(answers.flatMap(sentIds)).toHaveLength(1);
    expect(await search(reader)).toHaveLength(1);
  });
});

describe('the topic of a message', () => {
  test.each([
    ['a topic that never was', { topicId: '0'.repeat(24) }],
    ['a version that never was', { topicVersion: '9.9.9' }],
    ['a version named after a prototype', { topicVersion: '__proto__' }],
  ])('has to exist: %s is not found', async (_name, fields) => {
    expect(await refused(fields)).toMatchObject({ status: 404, returnCode: '50', code: 'topic-not-found' });
  });

  test('has to be live: a deleted version and a deleted topic are not found', async () => {
    const doomed = await createTopic(sender);
    const ended = async (path: string) => expect((await sender.request('DELETE', path)).status).toBe(200);
    await sender.request('PUT', `/topics/${doomed}/versions/2.0.0`, { schema: '{}' });
    await ended(`/topics/${doomed}/versions/1.0.0`);
    expect(await refused({ topicId: doomed })).toMatchObject({ status: 404, returnCode: '50' });
    await send(sender, recipient, doomed, { topicVersion: '2.0.0' });
    await ended(`/topics/${doomed}`);
    expect(await refused({ topicId: doomed, topicVersion: '2.0.0' })).toMatchObject({
      status: 404,
      returnCode: '50',
    });
  });
});

describe('validation', () => {
  let strict: string;
  beforeAll(async () => {
    strict = await createTopic(
      sender,
      JSON.stringify({
        type: 'object',
        properties: { size: { type: 'integer' }, tags: { type: 'array', items: { maxLength: 3 } } },
        required: ['size'],
        additionalProperties: false,
      }),
    );
  });

  test('refuses a clear payload against its schema, with pointers and without its values', async () => {
    const payload = JSON.stringify({ size: 'SECRET-VALUE', tags: ['SECRET-VALUE'] });
    const message = messageTo([recipient.did], strict, { payload, payloadEncryption: false });
    const answer = await sender.request<ProblemAnswer>('POST', '/messages', message);
    expect(answer.body).toMatchObject({ status: 400, returnCode: '13', code: 'schema-violation' });
    expect(answer.body.errors?.map(({ field }) => field)).toEqual(
      expect.arrayContaining([expect.stringContaining('/size')]),
    );
    expect(answer.text).not.toContain('SECRET-VALUE');
  });

  test.each([
    ['no JSON', 'not json'],
    ['an empty text', ''],
    ['another type', '[]'],
  ])('refuses %s in clear', async (_name, payload) => {
    const message = messageTo([recipient.did], strict, { payload, payloadEncryption: false });
    const answer = await sender.request<ProblemAnswer>('POST', '/messages', message);
    expect(answer.body).toMatchObject({ status: 400, returnCode: '13' });
  });

  test('lets through what matches, as text and not as printed again', async () => {
    const reader = await broker.logIn();
    const payload = ' { "size" : 1.0e0,\n"tags":["a\\u0062"] } ';
    await send(sender, reader, strict, { payload, payloadEncryption: false });
    expect((await search(reader))[0]).toMatchObject({ payload, payloadEncryption: false });
  });

  test('does not look into an encrypted payload', async () => {
    const reader = await broker.logIn();
    await send(sender, reader, strict, { payload: 'not json at all', payloadEncryption: true });
    expect((await search(reader))[0]?.payload).toBe('not json at all');
  });

  test('takes payloads that begin with anything JSON allows', async () => {
    const reader = await broker.logIn();
    const payloads = ['[1]', '"a - . / \' < > text"', '0', 'null', 'true'];
    for (const payload of payloads)
      await send(sender, reader, topicId, { payload, payloadEncryption: false });
    expect((await search(reader)).map(({ payload }) => payload)).toEqual(payloads);
  });
});

describe('a field', () => {
  test.each([
    ['transactionId', 200],
    ['initiatingMessageId', 200],
    ['initiatingTransactionId', 200],
    ['topicRestrictions', 500],
  ])('%s has at most %i characters', async (field, most) => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId, { [field]: 'x'.repeat(most) });
    expect((await search(reader))[0]).toHaveProperty(field, 'x'.repeat(most));
    expect(await refused({ [field]: 'x'.repeat(most + 1) })).toMatchObject({ status: 400, returnCode: '17' });
  });

  test.each([
    ['a DID of 201 characters', { fqcns: [`did:example:${'x'.repeat(189)}`] }],
    [
      '26 anonymous keys',
      { anonymousRecipient: Array.from({ length: 26 }, (_none, index) => `key-${index}`) },
    ],
    ['an anonymous key of 256 characters', { anonymousRecipient: ['x'.repeat(256)] }],
    ['an empty anonymous key', { anonymousRecipient: [''] }],
    ['no payload', { payload: undefined }],
    ['a payload that is no text', { payload: { a: 1 } }],
    ['a number as payload', { payload: 5 }],
    ['no signature', { signature: undefined }],
    ['no topic', { topicId: undefined }],
    ['no encryption flag', { payloadEncryption: undefined }],
    ['an encryption flag that is none', { payloadEncryption: 'maybe' }],
    ['recipients that are no texts', { fqcns: [{ did: 'x' }] }],
  ])('out of bounds is refused by name: %s', async (_name, fields) => {
    const problem = await refused(fields);
    expect(problem).toMatchObject({ status: 400, returnCode: '17' });
    expect(problem.errors?.[0]?.field).toContain(Object.keys(fields)[0]);
  });

  test('that is null counts as absent', async () => {
    const reader = await broker.logIn();
    const nothing = { initiatingMessageId: null, initiatingTransactionId: null, topicRestrictions: null };
    await send(sender, reader, topicId, { ...nothing, anonymousRecipient: null });
    for (const name of Object.keys(nothing)) expect((await search(reader))[0]).not.toHaveProperty(name);
  });

  test('that the broker does not know is neither stored nor able to replace one of its own', async () => {
    const reader = await broker.logIn();
    const forged = {
      messageId: 'f'.repeat(24),
      fqcn: 'did:example:forged',
      timestampNanos: 1,
      senderDid: 'did:example:forged',
      isFile: true,
      unknown: 'x',
      recipients: ['did:example:forged'],
      retentionClass: '1h',
    };
    const id = await send(sender, reader, topicId, forged);
    const [found] = await search(reader);
    expect(found).toMatchObject({ messageId: id, fqcn: reader.did, senderDid: sender.did, isFile: false });
    expect(found).not.toHaveProperty('unknown');
    expect(found?.timestampNanos).toBeGreaterThan(1e18);
  });
});
