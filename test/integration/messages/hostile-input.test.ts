// Hostile texts in every identifier of every message route: the right problem and never a 500, no name in the store
// outside the fixed alphabet, no payload changed.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  type Fields,
  messageTo,
  payloadsOf,
  search,
  send,
} from '../../support/broker-messages';
import { type BrokerStore, openBrokerStore } from '../../support/broker-store';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

const hostileTexts = [
  '*',
  '>',
  '.',
  '..',
  'a.b',
  'a.*.>',
  ' ',
  'a b',
  '\t',
  '\r\n',
  '\0',
  'a\0b',
  'x'.repeat(10_000),
  '😀',
  '\u202e',
  '\ud800',
  'did:',
  'did::',
  'did:ethr',
  'did:ethr:volta:',
  'did:ethr:volta:0xZZ',
  'DID:ETHR:VOLTA:0X0',
  'did:ethr:volta:0x0000000000000000000000000000000000000001 ',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '$JS.API.STREAM.DELETE.DDHUB_MAIL_0',
  '$KV.layout.shards',
  '_INBOX.>',
  '../../etc/passwd',
  '%00',
  "' OR 1=1 --",
  '"; DROP TABLE topic; --',
  '${jndi:ldap://x}',
  '<script>',
  '{"$ref":"#"}',
  'null',
  '0',
  '',
];

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let store: BrokerStore;
let sender: Participant;
let reader: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  [sender, reader] = await Promise.all([broker.logIn(), broker.logIn()]);
  topicId = await createTopic(sender);
  store = await openBrokerStore(server.url, site.settings);
});

afterAll(async () => {
  await store.close();
  await site.close();
  await server.stop();
});

/** The routes with a valid body each, and the identifiers in it. */
const routes: readonly (readonly [string, () => Fields, readonly string[]])[] = [
  [
    '/messages',
    () => messageTo([reader.did], topicId),
    [
      'fqcns',
      'topicId',
      'topicVersion',
      'clientGatewayMessageId',
      'transactionId',
      'initiatingMessageId',
      'initiatingTransactionId',
      'topicRestrictions',
      'anonymousRecipient',
      'signature',
      'payload',
      'payloadEncryption',
    ],
  ],
  [
    '/messages/search',
    () => ({ clientId: 'reader', amount: 100 }),
    ['clientId', 'topicId', 'fqcnTopicList', 'senderId', 'from', 'anonymousRecipient', 'amount'],
  ],
  [
    '/messages/ack',
    () => ({ clientId: 'reader', messageIds: ['0'.repeat(24)] }),
    ['clientId', 'messageIds', 'from', 'anonymousRecipient'],
  ],
];

/** What every refusal has; the exchange itself was checked against the OpenAPI document, which has no 500 here. */
async function expectAnswer(path: string, body: unknown): Promise<number> {
  const answer = await reader.request('POST', path, body);
  if (answer.status === 200) return 200;
  expect([400, 403, 404, 413]).toContain(answer.status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({
    type: expect.stringMatching(/^urn:ddhub:problem:/),
    title: expect.any(String),
    status: answer.status,
    detail: expect.any(String),
    instance: expect.stringMatching(/^urn:ddhub:request:/),
    code: expect.any(String),
    returnCode: expect.stringMatching(/^(10|13|15|16|17|50)$/),
    returnMessage: expect.any(String),
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  return answer.status;
}

describe.each(routes)('POST %s', (path, valid, fields) => {
  test.each(fields)('answers hostile texts in %s', async (field) => {
    for (const text of hostileTexts) {
      await expectAnswer(path, { ...valid(), [field]: text });
      await expectAnswer(path, { ...valid(), [field]: [text, text] });
    }
  });

  test.each(fields)('answers values of every type in %s', async (field) => {
    for (const value of [null, true, 0, -1, 1e308, 0.5, {}, [], [null], [[]], [{}], { __proto__: 1 }]) {
      await expectAnswer(path, { ...valid(), [field]: value });
    }
  });

  test('answers bodies that are no object, and texts that are no JSON', async () => {
    const bodies = [
      '',
      'x',
      '{',
      '{"a":}',
      'null',
      '1',
      '"text"',
      '[]',
      '[{}]',
      '\ufeff{}',
      '{"a":1}{"b":2}',
    ];
    for (const body of bodies) expect(await expectAnswer(path, body)).toBe(400);
    expect(await expectAnswer(path, '['.repeat(200_000))).toBe(400);
  });

  test('answers members that nobody asked for', async () => {
    const text = JSON.stringify(valid());
    const added = '"__proto__":{"clientId":"x"},"constructor":1,"toString":"x","mailbox":"*",';
    expect(await expectAnswer(path, text.replace('{', `{${added}`))).toBe(200);
  });

  test('answers any text in any of its fields', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...fields),
        fc.oneof(fc.string({ unit: 'binary' }), fc.json()),
        async (field, text) => {
          await expectAnswer(path, { ...valid(), [field]: text });
        },
      ),
      { numRuns: 100 },
    );
  });

  test('answers 401 to nobody, whatever the body', async () => {
    for (const token of ['null', '', 'x.y.z', '*']) {
      const answer = await broker.request('POST', path, '{', token);
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      expect(answer.text).not.toContain('"returnCode":"10"');
    }
  });
});

describe('what is kept', () => {
  const token = '[a-z2-7]{26}';
  const allowed = [
    new RegExp(`^ddhub\\.\\d+\\.${token}\\.[0-9a-f]{24}\\.${token}\\.\\d+[smhd]$`),
    new RegExp(`^\\$KV\\.[a-z-]+(-\\d+)?(\\.${token})+$`),
    /^\$KV\.layout\.[a-z]+(\.\d+)?$/,
    /^\$KV\.topics\.(topic\.[0-9a-f]{24}|schema\.[0-9a-f]{64}|reconciled)$/,
  ];

  test('has names of the fixed alphabet only, whoever sent, searched and acknowledged', async () => {
    for (const clientId of ['*', '>', '.', 'a.b', 'a.*.>', '-', '_', ':', '...']) {
      const id = await send(sender, reader, topicId, { transactionId: `${clientId} \0 😀` });
      await search(reader, { clientId, senderId: ['*', '>', sender.did] });
      expect(await acknowledge(reader, [id], { clientId })).toEqual({ acked: [id], notFound: [] });
    }
    const { streams, subjects } = await store.names();
    for (const stream of streams) {
      expect(stream).toMatch(/^(DDHUB_MAIL_\d+|KV_[a-z]+(-[a-z]+)*(-\d+)?)$/);
    }
    expect(subjects.length).toBeGreaterThan(20);
    expect(subjects.filter((subject) => !allowed.some((pattern) => pattern.test(subject)))).toEqual([]);
  });

  test('has every payload as it was sent', async () => {
    const target = await broker.logIn();
    const texts = hostileTexts.filter((text) => text.isWellFormed());
    for (const payload of texts) await send(sender, target, topicId, { payload });
    expect(payloadsOf(await search(target))).toEqual(texts);
  });
});
