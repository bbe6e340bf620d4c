// Payloads come back byte for byte, whatever they hold, up to the limits of contract §3.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  type Fields,
  type FoundMessage,
  idsOf,
  messageTo,
  payloadsOf,
  type ProblemAnswer,
  search,
  send,
} from '../../support/broker-messages';
import { type BrokerStore, openBrokerStore } from '../../support/broker-store';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

const maxPayloadBytes = 2 * 1024 * 1024;

let server: NatsServer;
let site: BrokerSite;
let sender: Participant;
let reader: Participant;
let topicId: string;
let store: BrokerStore;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  const broker = site.start({ natsUrl: server.url });
  [sender, reader] = await Promise.all([broker.logIn(), broker.logIn()]);
  topicId = await createTopic(sender);
  store = await openBrokerStore(server.url, site.settings);
});

afterAll(async () => {
  await store.close();
  await site.close();
  await server.stop();
});

async function refused(body: Fields | string): Promise<ProblemAnswer> {
  return (await sender.request<ProblemAnswer>('POST', '/messages', body)).body;
}

/** Sends, fetches and acknowledges one message. */
async function roundTrip(fields: Fields): Promise<Fields> {
  const id = await send(sender, reader, topicId, fields);
  const [found] = await search(reader);
  if (found?.messageId !== id) throw new Error('another message came back');
  await acknowledge(reader, [id]);
  return { ...found };
}

describe('a payload', () => {
  test('comes back byte for byte, with signature and references, for any text', async () => {
    const text = fc.string({ unit: 'binary' });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (payload, signature, topicRestrictions) => {
        expect(await roundTrip({ payload, signature, topicRestrictions })).toMatchObject({
          payload,
          signature,
          topicRestrictions,
        });
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['nothing', ''],
    ['white space', ' \t\r\n '],
    ['quotes and backslashes', '"\\" \\\\ \\u0041'],
    ['every control character', String.fromCharCode(...Array.from({ length: 32 }, (_none, code) => code))],
    ['NUL', 'a\0b'],
    ['decomposed and composed letters', 'e\u0301 \u00e9 \u212b \u00c5'],
    ['line separators', '\u2028\u2029'],
    ['characters beyond the first plane', '😀𝒳\u{10ffff}'],
    ['non-characters and a byte order mark', '\ufeff\ufffe\uffff'],
    ['the replacement character', '\ufffd'],
    ['a JSON text with numbers no double holds', '{"n":12345678901234567890,"m":1.0}'],
    ['members of the prototype', '{"__proto__":{"x":1},"constructor":null}'],
    ['protocol text', 'PUB x 5\r\nhello\r\n+OK\r\n'],
  ])('may hold %s', async (_name, payload) => {
    expect((await roundTrip({ payload }))['payload']).toBe(payload);
  });

  test('with a lone surrogate is refused, since UTF-8 has no form for it', async () => {
    for (const field of ['payload', 'signature', 'transactionId', 'topicRestrictions']) {
      const problem = await refused(messageTo([reader.did], topicId, { [field]: 'a\ud800b' }));
      expect(problem).toMatchObject({ status: 400, returnCode: '17', errors: [{ field }] });
    }
    expect(await refused(messageTo(['did:example:\udfff'], topicId))).toMatchObject({ status: 400 });
    expect(await search(reader)).toEqual([]);
  });

  test('may have 2 MiB in UTF-8 exactly without Blob, and one byte more needs it', async () => {
    const full = '€'.repeat(Math.floor(maxPayloadBytes / 3)) + 'xx';
    expect(Buffer.byteLength(full)).toBe(maxPayloadBytes);
    expect((await roundTrip({ payload: full }))['payload']).toBe(full);
    const problem = await refused(messageTo([reader.did], topicId, { payload: `${full}x` }));
    // The site of these tests has no Blob store; test/integration/files has one.
    expect(problem).toMatchObject({ status: 503, code: 'blob-store-unavailable' });
  });

  test('within 2 MiB may still be too large once it is escaped for the store', async () => {
    const fits = '"'.repeat(maxPayloadBytes);
    expect((await roundTrip({ payload: fits }))['payload']).toBe(fits);
    const problem = await refused(
      messageTo([reader.did], topicId, { payload: '\0'.repeat(maxPayloadBytes) }),
    );
    expect(problem).toMatchObject({ status: 413, code: 'payload-too-large' });
    // Just below max_payload, so that the store's own limit is never met.
    const most = '\0'.repeat(1_390_000);
    expect((await roundTrip({ payload: most }))['payload']).toBe(most);
    for (const length of [1_395_000, 1_396_000, 1_397_000, 1_398_000, 1_400_000]) {
      const message = messageTo([reader.did], topicId, { payload: '\0'.repeat(length) });
      expect([200, 413]).toContain((await sender.request('POST', '/messages', message)).status);
    }
    for (let found = await search(reader); found.length; found = await search(reader)) {
      await acknowledge(reader, idsOf(found));
    }
  });

  test('in a body beyond the limit is refused before it is read whole', async () => {
    const body = JSON.stringify(messageTo([reader.did], topicId, { payload: 'x'.repeat(17 * 1024 * 1024) }));
    expect(await refused(body)).toMatchObject({ status: 413, code: 'payload-too-large' });
  });
});

describe('an answer to a search', () => {
  test('is cut by 16 MiB, but never to nothing, and the rest comes with the next ones', async () => {
    const payloads = Array.from({ length: 10 }, (_none, index) => String(index).repeat(maxPayloadBytes));
    for (const payload of payloads) await send(sender, reader, topicId, { payload });
    const first = await reader.request('POST', '/messages/search', { clientId: 'reader', amount: 20_000 });
    expect(Buffer.byteLength(first.text)).toBeLessThanOrEqual(16 * 1024 * 1024);
    const got: string[] = [];
    let rounds = 0;
    for (;;) {
      const found = await search(reader, { amount: 20_000 });
      if (!found.length) break;
      rounds++;
      got.push(...payloadsOf(found));
      await acknowledge(reader, idsOf(found));
    }
    expect(rounds).toBe(2);
    expect(got.map((payload) => payload.slice(0, 2))).toEqual(payloads.map((payload) => payload.slice(0, 2)));
  });

  test('counts what the broker itself adds to small messages', async () => {
    const many = Array.from({ length: 8_000 }, () => 'x'.repeat(2_000));
    await store.append(sender.did, reader.did, topicId, many);
    const answer = await reader.request<readonly FoundMessage[]>('POST', '/messages/search', {
      clientId: 'reader',
      amount: 20_000,
    });
    const size = Buffer.byteLength(answer.text);
    expect(answer.body.length).toBeLessThan(many.length);
    expect(size).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(size).toBeGreaterThan(15.5 * 1024 * 1024);
  });
});

describe('the message log', () => {
  test('holds little more than was asked for when it reads certain messages', async () => {
    const mailbox = { kind: 'did' as const, identifier: reader.did };
    const before = await store.messageLog.lastSeq(mailbox, { topic: null, sender: null });
    await store.append(
      sender.did,
      reader.did,
      topicId,
      Array.from({ length: 40 }, () => 'x'.repeat(1e6)),
    );
    const { messages } = await store.messageLog.read(
      mailbox,
      { topic: null, sender: null },
      { after: before },
      { messages: 40, bytes: 100e6 },
    );
    expect(messages).toHaveLength(40);
    const seqs = messages.map(({ seq }) => seq);
    const some = await store.messageLog.readAt(mailbox, seqs, 8e6);
    expect(some.length).toBeGreaterThanOrEqual(8);
    expect(some.length).toBeLessThan(16);
    expect(some.map(({ seq }) => seq)).toEqual(seqs.slice(0, some.length));
  });
});
