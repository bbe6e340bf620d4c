// Instances whose clocks are wrong by a minute: the server's clock decides when a message ends.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type BrokerSite, createBrokerSite } from '../../support/broker';
import { createTopic, search, send } from '../../support/broker-messages';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

interface Receipts {
  readonly receipts: readonly { readonly messageId: string; readonly at: string }[];
}

const lifeMs = 3_000;

let nats: NatsServer;
let site: BrokerSite;

beforeAll(async () => {
  nats = await startNatsServer();
  site = await createBrokerSite({
    RETENTION_CLASSES: '3s,1h',
    DEFAULT_RETENTION_CLASS: '3s',
    CLOCK_TOLERANCE_SECONDS: '120',
  });
});

afterAll(async () => {
  await site.close();
  await nats.stop();
});

describe.each([
  ['behind', -60_000],
  ['ahead', 60_000],
])('an instance whose clock is a minute %s', (_where, skewMs) => {
  it('ends a message when it ends, not before and not after, and tells its sender', async () => {
    const skewed = site.start({ natsUrl: nats.url, clock: () => Date.now() + skewMs });
    const [alice, bob] = await Promise.all([skewed.logIn(), skewed.logIn()]);
    const topic = await createTopic(alice);
    const sentAt = Date.now();
    const messageId = await send(alice, bob, topic);
    const storedBy = Date.now();
    await skewed.runTimer('retention');
    const receipts = async () => (await alice.request<Receipts>('GET', '/receipts?after=')).body.receipts;
    expect(await receipts()).toEqual([]);
    let found = await search(bob);
    expect(found.map((message) => message.messageId)).toEqual([messageId]);
    while (found.length > 0) {
      expect(Date.now()).toBeLessThan(storedBy + lifeMs + 1_000);
      found = await search(bob);
    }
    // The server runs on this machine: its clock is ours. What is measured of it is exact to some milliseconds.
    expect(Date.now()).toBeGreaterThan(sentAt + lifeMs - 100);
    while ((await receipts()).length === 0) {
      expect(Date.now()).toBeLessThan(storedBy + lifeMs + 10_000);
      await skewed.runTimer('retention');
    }
    const [receipt] = await receipts();
    expect(receipt?.messageId).toBe(messageId);
    expect(Math.abs(Date.parse(receipt?.at ?? '') - sentAt - lifeMs)).toBeLessThan(1_000);
  });
});
