// The end of a message: never returned after its instant, whatever clocks the instances have, and not an error to
// acknowledge.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { acknowledge, createTopic, type FoundMessage, search, send } from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

const spanMs = 1_000;
/** The server tells milliseconds, and its clock is known to half a round trip. */
const toleranceMs = 25;

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let sender: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite({
    RETENTION_CLASSES: '1s,1h',
    DEFAULT_RETENTION_CLASS: '1s',
    ACCESS_TOKEN_SECONDS: '86400',
  });
  broker = site.start({ natsUrl: server.url });
  sender = await broker.logIn();
  topicId = await createTopic(sender);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

const endOf = (message: FoundMessage | undefined): number => (message?.timestampNanos ?? NaN) / 1e6 + spanMs;

describe('a message that has ended', () => {
  test('is no longer found, neither as new nor as pending, and counts as acknowledged', async () => {
    const reader = await broker.logIn();
    const first = await send(sender, reader, topicId);
    const [found] = await search(reader);
    expect(found?.messageId).toBe(first);
    let wasFound = 0;
    await eventually(async () => {
      const askedAt = Date.now();
      const pending = await search(reader);
      const fresh = await search(reader, { clientId: `new-${askedAt}` });
      wasFound += pending.length;
      for (const message of [...pending, ...fresh]) {
        expect(askedAt).toBeLessThan(endOf(message) + toleranceMs);
      }
      return !pending.length && !fresh.length;
    });
    expect(wasFound).toBeGreaterThan(0);
    expect(Date.now()).toBeGreaterThanOrEqual(endOf(found) - toleranceMs);
    for (const clientId of ['reader', 'another']) {
      expect(await acknowledge(reader, [first], { clientId })).toEqual({ acked: [first], notFound: [] });
    }
    const second = await send(sender, reader, topicId);
    expect((await search(reader)).map(({ messageId }) => messageId)).toEqual([second]);
  });

  test('does not use up the amount of a search', async () => {
    const reader = await broker.logIn();
    await send(sender, reader, topicId, { payload: 'old' });
    const [old] = await search(reader);
    await eventually(() => Date.now() > endOf(old) + 50);
    for (const payload of ['1', '2', '3']) await send(sender, reader, topicId, { payload });
    for (const clientId of ['reader', 'another']) {
      const found = await search(reader, { clientId, amount: 3 });
      expect(found.map(({ payload }) => payload)).toEqual(['1', '2', '3']);
    }
  });

  test.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])('is told by the server’s clock: an instance that is %s agrees', async (_name, skewMs) => {
    const wrong = site.start({ natsUrl: server.url, clock: () => Date.now() + skewMs });
    const reader = (await broker.logIn()).at(wrong);
    await send(sender.at(wrong), reader, topicId);
    const [found] = await search(reader);
    expect(found).toBeDefined();
    await eventually(async () => (await search(reader)).length === 0);
    expect(Date.now()).toBeGreaterThanOrEqual(endOf(found) - toleranceMs);
    expect(Date.now()).toBeLessThan(endOf(found) + 2_000);
  });
});
