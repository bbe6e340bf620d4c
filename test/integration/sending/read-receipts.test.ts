// What a sender is told of a message: that it is stored, and its end, always; what its recipient does with it only
// where that one has opted in.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  messageTo,
  publish,
  search,
  send,
  sentIds,
} from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

interface Receipt {
  readonly messageId: string;
  readonly recipient: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly at: string;
}

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let other: Broker;
let alice: Participant;
let bob: Participant;
let topicId: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite({ RETENTION_CLASSES: '2s,1h', DEFAULT_RETENTION_CLASS: '1h' });
  broker = site.start({ natsUrl: server.url });
  other = site.start({ natsUrl: server.url });
  topicId = await createTopic(await broker.logIn());
});

beforeEach(async () => {
  [alice, bob] = await Promise.all([broker.logIn(), broker.logIn()]);
});

afterAll(async () => {
  await site.close();
  await server.stop();
});

async function optIn(reader: Participant, readReceipts = true): Promise<void> {
  const answer = await reader.request('PUT', '/mailbox', { readReceipts });
  expect([answer.status, answer.body]).toEqual([200, { readReceipts }]);
}

async function statusOf(messageId: string, recipient = bob.did): Promise<string | undefined> {
  const path = `/messages/${messageId}/status?recipient=${encodeURIComponent(recipient)}`;
  return (await alice.request<{ status?: string }>('GET', path)).body.status;
}

async function receipts(of = alice): Promise<readonly Receipt[]> {
  return (await of.request<{ receipts: Receipt[] }>('GET', '/receipts')).body.receipts;
}

/** Leases one message. @returns its token */
async function lease(reader: Participant, clientId: string): Promise<string> {
  const answer = await reader.request<{ messages: { leaseToken: string }[] }>(
    'POST',
    `/clients/${clientId}/receive`,
    {},
  );
  return answer.body.messages[0]?.leaseToken ?? '';
}

describe('a mailbox', () => {
  test('tells senders nothing unless its owner opts in, and nobody else can', async () => {
    const options = async (of: Participant) => (await of.request('GET', '/mailbox')).body;
    expect(await options(bob)).toEqual({ readReceipts: false });
    await optIn(alice);
    expect(await options(bob.at(other))).toEqual({ readReceipts: false });
    await optIn(bob);
    expect(await options(bob.at(other))).toEqual({ readReceipts: true });
    await optIn(bob, false);
    expect(await options(bob.at(other))).toEqual({ readReceipts: false });
    for (const body of [{}, { readReceipts: 'yes' }, { readReceipts: null }]) {
      expect((await bob.request('PUT', '/mailbox', body)).status).toBe(400);
    }
  });

  test('is not in the way of a search by role', async () => {
    await optIn(bob);
    const { body } = await alice.request<{ dids: string[] }>(
      'GET',
      '/roles/list?roles=user.roles.tests.apps.broker.iam.ewc&searchType=ANY',
    );
    expect(body.dids).toEqual(expect.arrayContaining([alice.did, bob.did]));
  });
});

describe('a sender', () => {
  test('learns of nothing but stored from whoever has not opted in', async () => {
    const messageId = await send(alice, bob, topicId);
    await search(bob);
    expect(await statusOf(messageId)).toBe('stored');
    await acknowledge(bob, [messageId]);
    expect(await statusOf(messageId)).toBe('stored');
    expect(await receipts()).toEqual([]);
  });

  test('learns of delivery and acknowledgement, once, whatever the number of client ids', async () => {
    await optIn(bob);
    const messageId = await send(alice, bob, topicId);
    expect(await statusOf(messageId)).toBe('stored');
    await search(bob);
    await search(bob, { clientId: 'another' });
    expect(await statusOf(messageId)).toBe('delivered');
    // Not what was never delivered, nor what is acknowledged again.
    await acknowledge(bob, [messageId, 'f'.repeat(24)]);
    await acknowledge(bob, [messageId]);
    await acknowledge(bob.at(other), [messageId], { clientId: 'another' });
    expect(await statusOf(messageId)).toBe('acknowledged');
    const told = await receipts();
    expect(told).toEqual([{ messageId, recipient: bob.did, outcome: 'acknowledged', at: told[0]?.at }]);
    expect(Math.abs(Date.parse(told[0]?.at ?? '') - Date.now())).toBeLessThan(10_000);
    // Whoever sent nothing is told nothing.
    expect(await receipts(bob)).toEqual([]);
  });

  test('learns of a rejection with its reason, and of an acknowledgement by another client id', async () => {
    await optIn(bob);
    const messageId = await send(alice, bob, topicId);
    const leaseToken = await lease(bob, 'rejecting');
    expect(await statusOf(messageId)).toBe('delivered');
    const body = { leaseTokens: [leaseToken], reason: 'does not add up' };
    await bob.request('POST', '/clients/rejecting/reject', body);
    expect(await statusOf(messageId)).toBe('rejected');
    const leaseTokens = [await lease(bob, 'accepting')];
    await bob.request('POST', '/clients/accepting/acknowledge', { leaseTokens });
    expect(await statusOf(messageId)).toBe('acknowledged');
    expect((await receipts()).map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['rejected', 'does not add up'],
      ['acknowledged', undefined],
    ]);
  });

  test('learns on every instance within two seconds that a recipient has opted in, or out', async () => {
    const settle = async (): Promise<void> => {
      const messageId = await send(alice, bob, topicId);
      await search(bob.at(other));
      await acknowledge(bob.at(other), [messageId]);
    };
    await settle();
    for (const readReceipts of [true, false]) {
      await optIn(bob, readReceipts);
      const since = Date.now();
      let counts = false;
      await eventually(async () => {
        const begun = Date.now();
        const before = (await receipts()).length;
        await settle();
        counts = (await receipts()).length > before === readReceipts;
        return counts || begun - since > 2_000;
      });
      // What began within two seconds after the answer to the change may still have missed it.
      expect(counts).toBe(true);
    }
  });

  test('learns nothing of an anonymous mailbox, whose owner would show by it', async () => {
    await optIn(bob);
    const key = randomUUID();
    await bob.request('POST', '/channel/initExtChannel', { anonymousKeys: [{ anonymousKey: key }] });
    const answer = await publish(alice, messageTo([], topicId, { anonymousRecipient: [key] }));
    const [messageId = ''] = sentIds(answer);
    await search(bob, { anonymousRecipient: key });
    await acknowledge(bob, [messageId], { anonymousRecipient: key });
    expect(await statusOf(messageId, key)).toBe('stored');
    expect(await receipts()).toEqual([]);
  });

  test('reads acknowledged also when the message has expired and was removed', async () => {
    await optIn(bob);
    const fields = { ttlSeconds: 1 };
    const [read, unread] = [await send(alice, bob, topicId, fields), await send(alice, bob, topicId, fields)];
    await search(bob);
    await acknowledge(bob, [read]);
    await eventually(async () => (await statusOf(unread)) === 'expired');
    expect(await statusOf(read)).toBe('acknowledged');
    await eventually(async () => {
      await broker.runTimer('retention');
      return (await receipts()).length === 2;
    });
    expect([await statusOf(read), await statusOf(unread)]).toEqual(['acknowledged', 'expired']);
    expect((await receipts()).map(({ messageId, outcome }) => [messageId, outcome])).toEqual([
      [read, 'acknowledged'],
      [unread, 'expired'],
    ]);
  });
});
