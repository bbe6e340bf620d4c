// Two hundred workers on one client id: in one instance, in three, and in three on the cluster of a deployment. Each
// message is leased by one at a time, none is lost, none of the workers starves, whatever some of them do.

import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import { createTopic, idsOf, messageTo, search } from '../../support/broker-messages';
import { type Deed, type Handout, work } from '../../support/lease-workers';
import { type MessageStore, startMessageStore } from '../../support/message-store';

jest.setTimeout(180_000);

const clientId = 'workers';
const workerCount = 200;
const batchSize = 100;

interface Exchange {
  /** The messages in the order of the mailbox. */
  readonly ids: readonly string[];
  readonly handouts: readonly Handout[];
  readonly reader: Participant;
}

/** Of twenty workers one dies with what it holds; the others give some back, reject some, and acknowledge most. */
function deedOf(worker: number, round: number): Deed {
  if (worker % 20 === 7 && round === 1) return 'die';
  const number = (worker * 31 + round * 17) % 100;
  if (number < 15) return 'release';
  return number < 20 ? 'reject' : 'acknowledge';
}

async function exchange(brokers: readonly Broker[], total: number): Promise<Exchange> {
  const [first] = brokers;
  if (!first) throw new Error('there is no instance');
  const sender = await first.logIn();
  const reader = await first.logIn();
  const topicId = await createTopic(sender);
  await reader.request('PUT', `/clients/${clientId}`, { maxDeliveries: 1_000 });
  for (let sent = 0; sent < total; sent += batchSize) {
    const messages = Array.from({ length: batchSize }, () => messageTo([reader.did], topicId));
    const answer = await sender.request('POST', '/messages/batch', { messages });
    expect(answer.status).toBe(200);
  }
  const ids = idsOf(await search(reader, { clientId: 'witness', amount: total }));
  expect(new Set(ids).size).toBe(total);
  const workers = Array.from({ length: workerCount }, (_none, worker) =>
    reader.at(brokers[worker % brokers.length] ?? first),
  );
  return { ids, handouts: await work({ clientId, workers, total, deedOf }), reader };
}

const answered = (handouts: readonly Handout[], deed: Deed): readonly string[] =>
  handouts
    .filter((handout) => handout.deed === deed)
    .flatMap(({ leased, settled }) =>
      leased.filter(({ leaseToken }) => settled?.succeeded.includes(leaseToken)),
    )
    .map(({ message }) => message.messageId);

async function expectExclusiveAndComplete({ ids, handouts, reader }: Exchange): Promise<void> {
  // Exclusive: whoever held a lease could settle it, each delivery was somebody's alone, and nobody was handed what
  // another one had not begun to settle, or had lost by its time.
  expect(handouts.flatMap(({ settled }) => settled?.failed ?? [])).toEqual([]);
  const deliveries = handouts.flatMap((handout) => handout.leased.map((lease) => ({ ...lease, handout })));
  const byMessage = Map.groupBy(deliveries, ({ message }) => message.messageId);
  for (const those of byMessage.values()) {
    const ordered = those.toSorted((one, other) => one.deliveryCount - other.deliveryCount);
    expect(ordered.map(({ deliveryCount }) => deliveryCount)).toEqual(
      ordered.map((_lease, index) => index + 1),
    );
    const early = ordered.filter((lease, index) => {
      const before = ordered[index - 1];
      return before && lease.handout.gotAt < Math.min(before.handout.settlesAt, endOf(before));
    });
    expect(early).toEqual([]);
  }
  // Complete: each message was acknowledged or rejected, once.
  const settled = [...answered(handouts, 'acknowledge'), ...answered(handouts, 'reject')];
  expect(settled.toSorted()).toEqual(ids.toSorted());
  expect(idsOf(await search(reader, { clientId, amount: 20_000 }))).toEqual([]);
  const dead = await reader.request<{ messageId: string }[]>('GET', `/clients/${clientId}/dead-letters`);
  expect(dead.body.map(({ messageId }) => messageId).toSorted()).toEqual(
    answered(handouts, 'reject').toSorted(),
  );
  // Dead workers' messages came back.
  expect(handouts.filter(({ deed }) => deed === 'die').length).toBeGreaterThan(0);
  expectFirstDeliveriesInOrder(ids, handouts);
  // Nobody starves: each worker was handed something.
  expect(new Set(handouts.map(({ worker }) => worker)).size).toBe(workerCount);
}

/** When a lease ends by itself, in the time of this process, less what the server's clock may differ. */
function endOf({ leaseExpiresAt }: { readonly leaseExpiresAt: string }): number {
  return Date.parse(leaseExpiresAt) - performance.timeOrigin - 500;
}

/** What was asked for after another answer was there is newer than all that came with it for the first time. */
function expectFirstDeliveriesInOrder(ids: readonly string[], handouts: readonly Handout[]): void {
  const place = new Map(ids.map((id, index) => [id, index]));
  const spans = handouts.flatMap(({ askedAt, gotAt, leased }) => {
    const fresh = leased.flatMap(({ deliveryCount, message }) =>
      deliveryCount === 1 ? [place.get(message.messageId) ?? -1] : [],
    );
    expect(fresh).toEqual(fresh.toSorted((one, other) => one - other));
    return fresh.length ? [{ askedAt, gotAt, first: fresh[0] ?? 0, last: fresh.at(-1) ?? 0 }] : [];
  });
  const ended = spans.toSorted((one, other) => one.gotAt - other.gotAt);
  let newest = -1;
  let at = 0;
  for (const { askedAt, first } of spans.toSorted((one, other) => one.askedAt - other.askedAt)) {
    for (let span = ended[at]; span && span.gotAt <= askedAt; span = ended[++at]) {
      newest = Math.max(newest, span.last);
    }
    expect(first).toBeGreaterThan(newest);
  }
}

describe.each([
  ['server', 3_000],
  ['cluster', 3_000],
] as const)('two hundred workers of one client id on a %s', (kind, total) => {
  let store: MessageStore;
  let site: BrokerSite;

  beforeAll(async () => {
    store = await startMessageStore(kind);
    site = await createBrokerSite(store.settings);
  });
  afterEach(() => site.close());
  afterAll(() => store.stop());

  const start = (): Broker => site.start({ natsUrl: store.settings['NATS_SERVERS'] ?? '' });

  if (kind === 'server') {
    test('in one instance have each message one at a time, lose none and starve none', async () => {
      await expectExclusiveAndComplete(await exchange([start()], total));
    });
  }

  test('in three instances have each message one at a time, lose none and starve none', async () => {
    site = await createBrokerSite(store.settings);
    await expectExclusiveAndComplete(await exchange([start(), start(), start()], total));
  });
});
