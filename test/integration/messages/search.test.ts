// Searching as contract §0.3 and §3 promise it: a peek, oldest first, by exact filters that never consume.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  type Fields,
  idsOf,
  messageTo,
  payloadsOf,
  type ProblemAnswer,
  publish,
  search,
  send,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let alice: Participant;
let bob: Participant;
let reader: Participant;
let [red, blue]: [string, string] = ['', ''];

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  [alice, bob] = await Promise.all([broker.logIn(), broker.logIn()]);
  [red, blue] = await Promise.all([createTopic(alice), createTopic(alice)]);
});

beforeEach(async () => (reader = await broker.logIn()));

afterAll(async () => {
  await site.close();
  await server.stop();
});

const say = (sender: Participant, topicId: string, payload: string) =>
  send(sender, reader, topicId, { payload });
const payloads = async (fields: Fields = {}) => payloadsOf(await search(reader, fields));

async function refused(fields: Fields): Promise<ProblemAnswer> {
  const body = { clientId: 'reader', ...fields };
  return (await reader.request<ProblemAnswer>('POST', '/messages/search', body)).body;
}

describe('a search', () => {
  test('gives back every field as it was sent, and tells when the message was stored', async () => {
    const fields = {
      payload: '{"a":1}',
      payloadEncryption: false,
      signature: 'a signature',
      transactionId: 'transaction 1',
      initiatingMessageId: 'message 0',
      initiatingTransactionId: 'transaction 0',
      topicRestrictions: 'none',
      clientGatewayMessageId: '5f0c7f2e-6b5c-4f1e-9f5e-0a1b2c3d4e5f',
    };
    const before = Date.now();
    const messageId = await send(alice, reader, red, fields);
    const answer = await reader.request('POST', '/messages/search', { clientId: 'reader' });
    expect(JSON.parse(answer.text)).toEqual([
      {
        ...fields,
        messageId,
        topicId: red,
        topicVersion: '1.0.0',
        senderDid: alice.did,
        fqcn: reader.did,
        isFile: false,
        timestampNanos: expect.any(Number) as unknown,
      },
    ]);
    // As digits: a double cannot hold them all.
    const digits = /"timestampNanos":(\d+)[,}]/.exec(answer.text)?.[1] ?? '';
    expect(digits).toMatch(/^\d{13}000000$/);
    const storedMs = Number(digits.slice(0, 13));
    expect(storedMs).toBeGreaterThanOrEqual(before - 1);
    expect(storedMs).toBeLessThanOrEqual(Date.now() + 1);
  });

  test('peeks: what is not acknowledged comes back each time, oldest first', async () => {
    for (const text of ['1', '2', '3']) await say(alice, red, text);
    for (let round = 0; round < 3; round++) expect(await payloads()).toEqual(['1', '2', '3']);
    expect(await payloads({ amount: 2 })).toEqual(['1', '2']);
  });

  test('gives one message without an amount, and the same one again', async () => {
    await say(alice, red, 'first');
    await say(alice, red, 'second');
    const one = await reader.request<unknown[]>('POST', '/messages/search', { clientId: 'reader' });
    expect(one.body).toHaveLength(1);
    const again = await reader.request('POST', '/messages/search', { clientId: 'reader', amount: null });
    expect(again.body).toEqual(one.body);
  });

  test('puts old pending messages before new ones, across topics and senders', async () => {
    await say(alice, red, '1');
    await say(bob, blue, '2');
    expect(await payloads({ topicId: [blue] })).toEqual(['2']);
    await say(bob, red, '3');
    expect(await payloads()).toEqual(['1', '2', '3']);
  });

  test('goes on behind what is acknowledged, whatever lies between', async () => {
    const ids = [];
    for (const text of ['1', '2', '3', '4', '5']) ids.push(await say(alice, red, text));
    await search(reader);
    await acknowledge(reader, [ids[1] ?? '', ids[3] ?? '']);
    await say(alice, red, '6');
    expect(await payloads()).toEqual(['1', '3', '5', '6']);
    expect(await payloads({ amount: 2 })).toEqual(['1', '3']);
  });

  test('finds nothing in an empty mailbox, and nothing of another participant', async () => {
    expect(await payloads()).toEqual([]);
    await say(alice, red, 'for the reader alone');
    expect(await search(alice)).toEqual([]);
    expect(await payloads()).toHaveLength(1);
  });

  test('sees a message right after it was answered as sent, on another instance', async () => {
    const other = site.start({ natsUrl: server.url });
    for (let round = 0; round < 20; round++) {
      const id = await say(alice, red, String(round));
      expect(idsOf(await search(reader.at(other)))).toEqual([id]);
      await acknowledge(reader, [id]);
    }
  });

  test.each([
    ['0', 0],
    ['a negative number', -1],
    ['20,001', 20_001],
    ['a fraction', 1.5],
    ['a text', 'many'],
    ['a list', [1]],
  ])('refuses %s as amount', async (_name, amount) => {
    const problem = await refused({ amount });
    expect(problem).toMatchObject({ status: 400, returnCode: '17', errors: [{ field: 'amount' }] });
  });

  test('takes 20,000 and a decimal text as amount', async () => {
    await say(alice, red, '1');
    expect(await payloads({ amount: 20_000 })).toEqual(['1']);
    expect(await payloads({ amount: '7' })).toEqual(['1']);
  });

  test('refuses the mailbox of an anonymous key that the caller has not registered', async () => {
    expect(await refused({ anonymousRecipient: 'a-key' })).toMatchObject({ status: 403, returnCode: '10' });
  });
});

describe('a filter', () => {
  test('by topic takes that topic’s messages, and leaves the others for later', async () => {
    await say(alice, red, 'red');
    await say(alice, blue, 'blue');
    expect(await payloads({ topicId: [blue] })).toEqual(['blue']);
    expect(await payloads({ fqcnTopicList: [red] })).toEqual(['red']);
    const [found] = await search(reader, { topicId: [blue] });
    await acknowledge(reader, [found?.messageId ?? '']);
    expect(await payloads()).toEqual(['red']);
  });

  test('of two topic lists reads their intersection; an empty one reads nothing', async () => {
    await say(alice, red, 'red');
    await say(alice, blue, 'blue');
    expect(await payloads({ topicId: [red, blue], fqcnTopicList: [blue] })).toEqual(['blue']);
    expect(await payloads({ topicId: [red], fqcnTopicList: [blue] })).toEqual([]);
    expect(await payloads()).toEqual(['red', 'blue']);
  });

  test('that is an empty list, null or absent leaves everything in', async () => {
    await say(alice, red, 'red');
    await say(alice, blue, 'blue');
    for (const none of [[], null, undefined]) {
      expect(await payloads({ topicId: none, fqcnTopicList: none, senderId: none })).toEqual(['red', 'blue']);
      expect(await payloads({ topicId: none, fqcnTopicList: [blue] })).toEqual(['blue']);
      expect(await payloads({ topicId: [red], fqcnTopicList: none })).toEqual(['red']);
    }
  });

  test('with duplicated ids finds each message once', async () => {
    await say(alice, red, 'red');
    const filter = { topicId: [red, red], fqcnTopicList: [red, red, red], senderId: [alice.did, alice.did] };
    expect(await payloads(filter)).toEqual(['red']);
  });

  test('by sender is exact: no part, case, or pattern of a DID matches', async () => {
    await say(alice, red, 'from Alice');
    await say(bob, red, 'from Bob');
    expect(await payloads({ senderId: [alice.did] })).toEqual(['from Alice']);
    expect(await payloads({ senderId: [bob.did, alice.did] })).toEqual(['from Alice', 'from Bob']);
    const near = [alice.did.slice(0, -1), `${alice.did}0`, alice.did.toUpperCase(), '*', '>', 'did:ethr:*'];
    expect(await payloads({ senderId: near })).toEqual([]);
    expect(await payloads()).toEqual(['from Alice', 'from Bob']);
  });

  test('never consumes: what a narrower search leaves out stays, also when its own are acknowledged', async () => {
    const senders = { Alice: alice, Bob: bob };
    for (const [name, sender] of Object.entries(senders)) {
      for (const topic of [red, blue]) {
        await say(sender, topic, `${name} ${topic}`);
      }
    }
    const narrow = { topicId: [red], senderId: [bob.did] };
    const found = await search(reader, narrow);
    expect(payloadsOf(found)).toEqual([`Bob ${red}`]);
    await acknowledge(reader, idsOf(found));
    expect(await payloads(narrow)).toEqual([]);
    expect(await payloads({ senderId: [bob.did] })).toEqual([`Bob ${blue}`]);
    expect(await payloads()).toEqual([`Alice ${red}`, `Alice ${blue}`, `Bob ${blue}`]);
  });

  test('counts the amount among what it lets through', async () => {
    for (let index = 0; index < 5; index++) {
      await say(alice, red, `Alice ${index}`);
      await say(bob, red, `Bob ${index}`);
    }
    expect(await payloads({ senderId: [bob.did], amount: 3 })).toEqual(['Bob 0', 'Bob 1', 'Bob 2']);
    expect(await payloads({ amount: 3 })).toEqual(['Alice 0', 'Bob 0', 'Alice 1']);
  });

  test('by a topic that never was is not found', async () => {
    const unknown = '0'.repeat(24);
    for (const filter of [
      { topicId: [unknown] },
      { fqcnTopicList: [unknown] },
      { topicId: [red], fqcnTopicList: [red, unknown] },
    ]) {
      expect(await refused(filter)).toMatchObject({ status: 404, returnCode: '50', code: 'topic-not-found' });
    }
  });

  test('by a deleted topic still finds its messages, and so does none', async () => {
    const doomed = await createTopic(alice);
    await say(alice, doomed, 'kept');
    expect((await alice.request('DELETE', `/topics/${doomed}`)).status).toBe(200);
    expect(await payloads({ topicId: [doomed] })).toEqual(['kept']);
    expect(await payloads()).toEqual(['kept']);
  });

  test('may name 1,000 topics and senders, with a bounded number of reads', async () => {
    await say(alice, red, 'red');
    const senderId = [...Array.from({ length: 99 }, (_none, index) => `did:example:${index}`), alice.did];
    expect(await payloads({ senderId })).toEqual(['red']);
    const wide = Array.from({ length: 1_000 }, (_none, index) => `did:example:${index}`);
    expect(await payloads({ senderId: [...wide, alice.did] })).toEqual(['red']);
  });
});

describe('a cursor', () => {
  test.each([
    'WS_CONSUMER',
    'app1:my.channel',
    'undefined:fqcn',
    'a-b_c.d:e>f*g',
    '*',
    '>',
    '.',
    '..',
    'ddhub.0.>',
    'x'.repeat(255),
  ])('may be named %s, and has nothing in common with another', async (clientId) => {
    const id = await say(alice, red, 'hello');
    expect(await payloads({ clientId })).toEqual(['hello']);
    expect(await acknowledge(reader, [id], { clientId })).toEqual({ acked: [id], notFound: [] });
    expect(await payloads({ clientId })).toEqual([]);
    expect(await payloads({ clientId: 'another' })).toEqual(['hello']);
  });

  test.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a space', 'a b'],
    ['a slash', 'a/b'],
    ['NUL', 'a\0'],
    ['a line break at the end', 'a\n'],
    ['an umlaut', 'ä'],
    ['an emoji', '😀'],
    ['256 characters', 'x'.repeat(256)],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['a list', ['a']],
  ])('may not be named %s', async (_name, clientId) => {
    for (const path of ['/messages/search', '/messages/ack'] as const) {
      const body = { clientId, messageIds: ['0'.repeat(24)] };
      const answer = await reader.request<ProblemAnswer>('POST', path, body);
      expect(answer.body).toMatchObject({
        status: 400,
        returnCode: '17',
        errors: [{ field: 'clientId' }],
      });
    }
  });

  test('tells names apart byte for byte', async () => {
    const id = await say(alice, red, 'hello');
    const names = ['ab', 'AB', 'a.b', 'a_b', 'a-b', 'a:b', 'a*b', 'a>b'];
    for (const clientId of names) expect(await payloads({ clientId })).toEqual(['hello']);
    await acknowledge(reader, [id], { clientId: 'a.b' });
    for (const clientId of names) {
      expect(await payloads({ clientId })).toEqual(clientId === 'a.b' ? [] : ['hello']);
    }
  });

  test('that is new starts with the oldest message that is still kept', async () => {
    const ids = [await say(alice, red, 'old'), await say(alice, red, 'new')];
    await search(reader);
    await acknowledge(reader, ids);
    expect(await payloads()).toEqual([]);
    expect(await payloads({ clientId: 'late' })).toEqual(['old', 'new']);
  });

  test('belongs to its mailbox: the same client id of another participant is another one', async () => {
    const other = await broker.logIn();
    const answer = await publish(alice, messageTo([reader.did, other.did], red, { payload: 'both' }));
    expect(answer.recipients.sent).toBe(2);
    await acknowledge(reader, idsOf(await search(reader)));
    expect(await payloads()).toEqual([]);
    expect(payloadsOf(await search(other))).toEqual(['both']);
  });
});

describe('from', () => {
  /** Messages stored in different milliseconds, with their instants. */
  async function threeMessages(): Promise<readonly number[]> {
    const instants: number[] = [];
    for (const text of ['1', '2', '3']) {
      const id = await say(alice, red, text);
      const stored = (await search(reader, { clientId: 'clock' })).find(({ messageId }) => messageId === id);
      instants.push(Math.round((stored?.timestampNanos ?? 0) / 1e6));
      while (Date.now() <= (instants.at(-1) ?? 0) + 1) await new Promise(setImmediate);
    }
    return instants;
  }
  const iso = (ms: number) => new Date(ms).toISOString();

  test('leaves out what was stored before it, and keeps what was stored at it', async () => {
    const [, second = 0] = await threeMessages();
    expect(await payloads({ from: iso(second) })).toEqual(['2', '3']);
    expect(await payloads({ from: iso(second + 1) })).toEqual(['3']);
    expect(await payloads({ from: iso(second).replace('Z', '001Z') })).toEqual(['3']);
    expect(await payloads({ from: '1970-01-01T00:00:00Z' })).toEqual(['1', '2', '3']);
    expect(await payloads({ from: '2999-01-01T00:00:00Z' })).toEqual([]);
  });

  test('makes a cursor of its own, which it shares with equal instants of any offset', async () => {
    const [first = 0] = await threeMessages();
    const utc = iso(first);
    const inOffset = (hours: number, text: string) =>
      `${iso(first + hours * 3_600_000).replace('Z', '')}${text}`;
    const equal = [
      utc,
      inOffset(2, '+02:00'),
      inOffset(-5, '-0500'),
      utc.replace('T', 't').replace('Z', 'z'),
    ];
    const found = await search(reader, { from: utc });
    expect(payloadsOf(found)).toEqual(['1', '2', '3']);
    const [id = ''] = idsOf(found);
    expect(await acknowledge(reader, [id], { from: equal[1] })).toEqual({ acked: [id], notFound: [] });
    for (const from of equal) expect(await payloads({ from })).toEqual(['2', '3']);
    expect(await payloads()).toEqual(['1', '2', '3']);
    expect(await payloads({ from: iso(first - 1) })).toEqual(['1', '2', '3']);
  });

  test('that is null is none', async () => {
    await say(alice, red, '1');
    const ids = idsOf(await search(reader, { from: null }));
    expect(await acknowledge(reader, ids, { from: null })).toEqual({ acked: ids, notFound: [] });
    expect(await payloads()).toEqual([]);
  });

  test.each([
    '0000-01-01T00:00:00Z',
    '0000-01-01T00:00:00+14:00',
    '0001-01-01T00:00:00Z',
    '1583-10-15T12:00+01:00',
    '1969-12-31T23:59:59.999999999Z',
  ])('may lie long ago: %s', async (from) => {
    await say(alice, red, '1');
    expect(await payloads({ from })).toEqual(['1']);
  });

  test.each(['2263-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '9999-12-31T23:59:59-14:00'])(
    'may lie far ahead: %s',
    async (from) => {
      await say(alice, red, '1');
      expect(await payloads({ from })).toEqual([]);
      expect(await payloads({ from })).toEqual([]);
    },
  );

  test.each([
    '',
    'now',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-02-30T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00+99:00',
    '2026-01-31T12:00:00.0000000001Z',
    '1769860800000',
    '+012026-01-31T12:00:00Z',
    ' 2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00Z\n',
    '*',
    'x'.repeat(10_000),
  ])('has to be an instant: %j is refused', async (from) => {
    for (const path of ['/messages/search', '/messages/ack'] as const) {
      const body = { clientId: 'reader', messageIds: ['0'.repeat(24)], from };
      const answer = await reader.request<ProblemAnswer>('POST', path, body);
      expect(answer.body).toMatchObject({ status: 400, returnCode: '17', errors: [{ field: 'from' }] });
    }
  });
});
