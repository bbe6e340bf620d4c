// kill -9 of nats-server in the middle of 1,000 publishes: what was answered SENT is fetched exactly once per cursor.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  idsOf,
  messageTo,
  type PublishAnswer,
  search,
  sentIds,
} from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const publishes = 1_000;
const publishers = 20;

let server: NatsServer;
let site: BrokerSite;
let brokers: readonly Broker[];

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  brokers = [site.start({ natsUrl: server.url }), site.start({ natsUrl: server.url })];
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

test('a server that is killed amid 1,000 publishes and 2 readers loses nothing that was answered', async () => {
  const [one, other] = brokers as [Broker, Broker];
  const sender = await one.logIn();
  const [even, odd] = await Promise.all([one.logIn(), one.logIn()]);
  const readers = [even, odd];
  const topicId = await createTopic(sender);

  const sent = new Map(readers.map(({ did }) => [did, new Map<string, string>()]));
  const numbers = Array.from({ length: publishes }, (_none, index) => index).values();
  const answered = { count: 0, atKill: Infinity };
  const publishAll = async (publisher: Participant): Promise<void> => {
    for (const number of numbers) {
      const reader = number % 2 ? odd : even;
      const payload = String(number);
      const fields = number % 3 ? { payload } : { payload, transactionId: payload };
      const answer = await publisher.request<PublishAnswer>(
        'POST',
        '/messages',
        messageTo([reader.did], topicId, fields),
      );
      expect([200, 503]).toContain(answer.status);
      answered.count++;
      if (answer.status !== 200) continue;
      for (const id of sentIds(answer.body)) sent.get(reader.did)?.set(id, payload);
    }
  };
  /** Reads and acknowledges on a cursor; what it got, by id. A call that failed is made again. */
  const read = async (
    reader: Participant,
    clientId: string,
    isDone: (got: Map<string, string>) => boolean,
  ) => {
    const got = new Map<string, string>();
    const acked = new Set<string>();
    while (!isDone(got)) {
      try {
        const found = await search(reader, { clientId, amount: 50 });
        for (const { messageId, payload } of found) {
          if (acked.has(messageId)) throw new RangeError(`${messageId} came back after its acknowledgement`);
          got.set(messageId, payload);
        }
        const answer = await acknowledge(reader, idsOf(found), { clientId });
        expect(answer.notFound).toEqual([]);
        for (const id of answer.acked) acked.add(id);
      } catch (error) {
        if (!(error as Error).message.startsWith('answered 503')) throw error;
      }
    }
    // Of an acknowledgement that was answered 503 it is not known whether it counts; asked again, it does.
    const all = await acknowledge(reader, [...got.keys()], { clientId });
    return { got, acked: new Set(all.acked) };
  };
  const killed = (async () => {
    while (answered.count < publishes / 3) await new Promise(setImmediate);
    answered.atKill = answered.count;
    await server.kill('SIGKILL');
    await server.restart();
  })();
  const publishing = Promise.all(
    Array.from({ length: publishers }, (_none, index) => publishAll(sender.at(index % 2 ? one : other))),
  );
  const state = { published: false };
  void publishing.then(() => (state.published = true));
  const done = (reader: Participant) => (got: Map<string, string>) =>
    state.published && [...(sent.get(reader.did)?.keys() ?? [])].every((id) => got.has(id));
  const readings = await Promise.all(
    readers.flatMap((reader) => [
      // While it happens, and on both instances; and from the beginning, afterwards.
      read(reader, 'during', done(reader)),
      publishing.then(() => read(reader.at(other), 'afterwards', done(reader))),
    ]),
  );
  await Promise.all([killed, publishing]);

  expect(answered.atKill).toBeLessThan(publishes / 2);
  const total = [...sent.values()].reduce((sum, { size }) => sum + size, 0);
  // The server is away for a second, and every request waits for five: hardly one is answered 503.
  expect(total).toBeGreaterThan(0.9 * publishes);
  readers.forEach((reader, index) => {
    const expected = sent.get(reader.did) ?? new Map<string, string>();
    for (const { got, acked } of readings.slice(2 * index, 2 * index + 2)) {
      for (const [id, payload] of expected) expect(got.get(id)).toBe(payload);
      // Nothing twice: also of what was answered 503 and stored all the same.
      expect(new Set(got.values()).size).toBe(got.size);
      expect(acked).toEqual(new Set(got.keys()));
    }
  });
  for (const reader of readers) {
    for (const clientId of ['during', 'afterwards']) expect(await search(reader, { clientId })).toEqual([]);
  }
});
