// Filters over many messages: one among 100,000 others is found at once, and many topics and senders lose nothing.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { acknowledge, createTopic, idsOf, payloadsOf, search } from '../../support/broker-messages';
import { type BrokerStore, openBrokerStore } from '../../support/broker-store';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(90_000);

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let store: BrokerStore;
let reader: Participant;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  reader = await broker.logIn();
  store = await openBrokerStore(server.url, site.settings);
});

afterAll(async () => {
  await store.close();
  await site.close();
  await server.stop();
});

describe('one message of X behind 100,000 unread ones of Y in the same topic', () => {
  const crowd = 100_000;
  const [x, y] = ['did:example:x', 'did:example:y'];
  /** What one search may ask of the store, whatever lies before its message: 16 reads of new ones, one of pending. */
  const fewReads = 17;
  let topicId: string;

  beforeAll(async () => {
    topicId = await createTopic(reader);
    const payloads = Array.from({ length: crowd }, (_none, index) => String(index));
    await store.append(y, reader.did, topicId, payloads);
    await store.append(x, reader.did, topicId, ['X']);
  });

  test.each([
    ['its sender alone', () => ({ senderId: [x] })],
    ['its topic and sender', () => ({ topicId: [topicId], senderId: [x] })],
    ['sixteen senders, of which it is one', () => ({ senderId: [x, ...strangers(15)] })],
  ])('is found by %s with a few reads, also when it is pending', async (name, filter) => {
    const clientId = name.replaceAll(/\W/g, '-');
    for (let round = 0; round < 2; round++) {
      const reads = await store.countDirectGets();
      expect(payloadsOf(await search(reader, { ...filter(), clientId }))).toEqual(['X']);
      expect(await reads()).toBeLessThanOrEqual(fewReads);
    }
  });

  test('is found by more senders than are read one by one, and the crowd is passed over once', async () => {
    const filter = { clientId: 'many', senderId: [x, ...strangers(40)] };
    const passing = await store.countDirectGets();
    expect(payloadsOf(await search(reader, filter))).toEqual(['X']);
    expect(await passing()).toBeLessThan(crowd / 250);
    await store.append(x, reader.did, topicId, ['X again']);
    const reads = await store.countDirectGets();
    expect(payloadsOf(await search(reader, filter))).toEqual(['X', 'X again']);
    expect(await reads()).toBeLessThanOrEqual(fewReads);
    await acknowledge(reader, idsOf(await search(reader, { senderId: [x] })));
  });

  test('takes none of Y’s away: they are all found afterwards, once each, in their order', async () => {
    const got: string[] = [];
    for (;;) {
      const messages = await search(reader, { amount: 20_000 });
      if (!messages.length) break;
      expect((await acknowledge(reader, idsOf(messages))).acked).toHaveLength(messages.length);
      got.push(...payloadsOf(messages));
    }
    expect(got).toHaveLength(crowd);
    expect(got.findIndex((payload, index) => payload !== String(index))).toBe(-1);
  });
});

test('a search over 100 topics and 100 senders, one sender more each round, returns nothing acknowledged', async () => {
  const topics = await Promise.all(Array.from({ length: 100 }, () => createTopic(reader)));
  const senders = strangers(100);
  let number = 0;
  const published = new Set<string>();
  const append = async (sender: string): Promise<void> => {
    const payload = String(number);
    published.add(payload);
    await store.append(sender, reader.did, topics[(7 * number) % 100] ?? '', [payload]);
    number++;
  };
  const acked = new Set<string>();
  for (let round = 1; round <= senders.length; round++) {
    const known = senders.slice(0, round);
    // Known ones and ones that a later filter will ask for.
    for (const index of [0, round - 1, (3 * round) % 100, (17 * round) % 100, 99]) {
      await append(senders[index] ?? '');
    }
    const found = await search(reader, { clientId: 'wide', topicId: topics, senderId: known, amount: 50 });
    expect(payloadsOf(found).filter((payload) => acked.has(payload))).toEqual([]);
    expect(found.filter(({ senderDid }) => !known.includes(senderDid))).toEqual([]);
    // One in five stays pending for a while.
    const mine = found.filter(({ payload }) => (Number(payload) + round) % 5 !== 0);
    const answer = await acknowledge(reader, idsOf(mine), { clientId: 'wide' });
    expect(answer.notFound).toEqual([]);
    for (const { payload } of mine) acked.add(payload);
  }
  for (;;) {
    const found = await search(reader, { clientId: 'wide', topicId: topics, senderId: senders, amount: 100 });
    if (!found.length) break;
    expect(payloadsOf(found).filter((payload) => acked.has(payload))).toEqual([]);
    await acknowledge(reader, idsOf(found), { clientId: 'wide' });
    for (const { payload } of found) acked.add(payload);
  }
  expect(acked).toEqual(published);
});

test('a search over 100 topics for many new senders at once keeps within what a cursor can hold', async () => {
  const topics = await Promise.all(Array.from({ length: 100 }, () => createTopic(reader)));
  const [red = '', blue = ''] = topics;
  const mailbox = await broker.logIn();
  const senders = strangers(80);
  for (const sender of senders) await store.append(sender, mailbox.did, red, [sender]);
  // Whoever is asked for later is far behind.
  await store.append('did:example:crowd', mailbox.did, red, Array<string>(1_000).fill('crowd'));
  await store.append(senders[0] ?? '', mailbox.did, blue, ['late']);
  const acked: string[] = [];
  for (const known of [50, 65, 80, 80]) {
    const found = await search(mailbox, {
      topicId: topics,
      senderId: senders.slice(0, known),
      amount: 1_000,
    });
    expect((await acknowledge(mailbox, idsOf(found))).notFound).toEqual([]);
    acked.push(...payloadsOf(found));
  }
  expect(acked).toEqual([...senders.slice(0, 50), 'late', ...senders.slice(50)]);
});

function strangers(count: number): readonly string[] {
  return Array.from({ length: count }, (_none, index) => `did:example:sender-${index}`);
}
