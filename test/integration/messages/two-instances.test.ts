// Two instances on the same cursor at once: publishers, searchers and acknowledgers. Nothing is lost, and nothing
// comes back after its acknowledgement was confirmed.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { acknowledge, createTopic, type Fields, idsOf, search, send } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

let server: NatsServer;
let site: BrokerSite;
let brokers: readonly [Broker, Broker];
let senders: readonly Participant[];
let reader: Participant;
let topics: readonly string[];

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  brokers = [site.start({ natsUrl: server.url }), site.start({ natsUrl: server.url })];
  senders = await Promise.all(Array.from({ length: 4 }, (_none, index) => brokerOf(index).logIn()));
  const [creator] = senders as [Participant];
  topics = await Promise.all([createTopic(creator), createTopic(creator), createTopic(creator)]);
});

beforeEach(async () => (reader = await brokers[0].logIn()));

afterAll(async () => {
  await site.close();
  await server.stop();
});

const brokerOf = (index: number): Broker => brokers[index % 2 === 0 ? 0 : 1];

/** A call that the cursor's other users kept from its turn is made again. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error as Error).message.includes('cursor-contended')) throw error;
    }
  }
}

describe('two instances on one cursor', () => {
  const messages = 240;
  const workers = 6;

  test('together find every message, and none after its acknowledgement was confirmed', async () => {
    const sent = new Set<string>();
    const numbers = Array.from({ length: messages }, (_none, index) => index).values();
    const state = { published: false };
    const publishAll = async (sender: Participant): Promise<void> => {
      for (const number of numbers) {
        sent.add(await send(sender, reader, topics[number % 3] ?? '', { payload: String(number) }));
      }
    };
    const filters: readonly Fields[] = [
      {},
      { topicId: [topics[0]] },
      { topicId: [topics[1], topics[2]], senderId: [senders[0]?.did, senders[3]?.did] },
      { senderId: [senders[1]?.did] },
    ];
    const confirmed = new Set<string>();
    const work = async (index: number): Promise<void> => {
      const at = reader.at(brokerOf(index));
      for (let round = index; !state.published || confirmed.size < sent.size; round++) {
        const confirmedBefore = new Set(confirmed);
        const filter = filters[round % filters.length];
        const found = idsOf(await patiently(() => search(at, { ...filter, amount: 1 + (round % 7) })));
        expect(found.filter((id) => confirmedBefore.has(id))).toEqual([]);
        // Some of it, so that pending messages are left behind for the others.
        const mine = found.filter((_id, position) => (position + round) % 2 === 0);
        const answer = await patiently(() => acknowledge(at, mine));
        expect(answer.notFound).toEqual([]);
        for (const id of answer.acked) confirmed.add(id);
      }
    };
    const publishing = Promise.all(senders.map((sender, index) => publishAll(sender.at(brokerOf(index)))));
    void publishing.then(() => (state.published = true));
    await Promise.all([publishing, ...Array.from({ length: workers }, (_none, index) => work(index))]);
    expect(confirmed).toEqual(sent);
    expect(sent.size).toBe(messages);
    for (const broker of brokers) expect(await search(reader.at(broker))).toEqual([]);
  });

  test('that acknowledge the same messages both hear that they are acknowledged', async () => {
    const [sender] = senders as [Participant];
    const ids: string[] = [];
    for (let index = 0; index < 40; index++) ids.push(await send(sender, reader, topics[0] ?? ''));
    await search(reader);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_none, index) =>
        patiently(() => acknowledge(reader.at(brokerOf(index)), ids.slice(index, index + 21))),
      ),
    );
    answers.forEach((answer, index) => {
      expect(answer).toEqual({ acked: ids.slice(index, index + 21), notFound: [] });
    });
    for (const broker of brokers) expect(await search(reader.at(broker))).toEqual([]);
  });

  test('that read the same new messages leave each pending once', async () => {
    const [sender] = senders as [Participant];
    const ids: string[] = [];
    for (let index = 0; index < 30; index++) ids.push(await send(sender, reader, topics[index % 3] ?? ''));
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_none, index) => patiently(() => search(reader.at(brokerOf(index))))),
    );
    // A reader that came second may be told less, never something else; what it missed is pending.
    for (const answer of answers) expect(ids).toEqual(expect.arrayContaining([...idsOf(answer)]));
    expect(new Set(answers.flatMap(idsOf))).toEqual(new Set(ids));
    for (const broker of brokers) expect(idsOf(await search(reader.at(broker)))).toEqual(ids);
  });
});
