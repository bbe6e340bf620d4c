// A store that is full, on a server with little room: nothing more fits until the timer has made room.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Broker, type BrokerSite, createBrokerSite, type Participant } from '../../support/broker';
import {
  acknowledge,
  createTopic,
  idsOf,
  messageTo,
  type PublishAnswer,
  search,
  send,
  sentIds,
} from '../../support/broker-messages';
import { eventually } from '../../support/eventually';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(60_000);

const storeBytes = 4 * 1024 * 1024;
const payload = 'x'.repeat(500_000);

interface RunLine {
  readonly event: string;
  readonly steps: Readonly<Record<string, Readonly<Record<string, number | boolean>>>>;
}

describe('a full store', () => {
  let nats: NatsServer;
  let site: BrokerSite;
  let broker: Broker;
  let sender: Participant;
  let reader: Participant;
  let topicId: string;

  beforeAll(async () => {
    nats = await startNatsServer({ config: `jetstream: { max_file_store: ${storeBytes} }` });
    site = await createBrokerSite({
      SHARD_COUNT: '1',
      RETENTION_CLASSES: '1s,1h',
      DEFAULT_RETENTION_CLASS: '1s',
    });
    broker = site.start({ natsUrl: nats.url });
    [sender, reader] = await Promise.all([broker.logIn(), broker.logIn()]);
    topicId = await createTopic(sender);
  });

  afterAll(async () => {
    await site.close();
    await nats.stop();
  });

  /** Sends until a message is refused. @returns ids of those that were stored, and the refusal */
  async function fill() {
    const stored: string[] = [];
    for (;;) {
      const message = messageTo([reader.did], topicId, { payload });
      const answer = await sender.request<PublishAnswer>('POST', '/messages', message);
      if (answer.status !== 200) return { stored, refused: answer.status };
      stored.push(...sentIds(answer.body));
    }
  }

  async function runTimer(): Promise<Readonly<Record<string, number | boolean>>> {
    await broker.runTimer('retention');
    const lines = broker.logLines.map((line) => JSON.parse(line) as RunLine);
    return lines.findLast(({ event }) => event === 'retention run')?.steps['expire messages'] ?? {};
  }

  const statusOf = async (messageId: string): Promise<string> => {
    const path = `/messages/${messageId}/status?recipient=${encodeURIComponent(reader.did)}`;
    return (await sender.request<{ status: string }>('GET', path)).body.status;
  };

  it('regression: a full store refuses with 507, is emptied by the timer, and then takes messages again', async () => {
    const live = await send(sender, reader, topicId, { ttlSeconds: 3_600 });
    const brief = await send(sender, reader, topicId);
    // A cursor with something pending, which cannot be changed either when there is no room.
    expect(idsOf(await search(reader))).toContain(live);
    const { stored, refused } = await fill();
    expect(refused).toBe(507);
    const acknowledgement = { clientId: 'reader', messageIds: [live] };
    expect((await reader.request('POST', '/messages/ack', acknowledgement)).status).toBe(507);
    await eventually(async () => (await statusOf(stored.at(-1) ?? brief)) === 'expired');
    const run = await runTimer();
    expect(run).toMatchObject({
      failed: false,
      expired: stored.length + 1,
      untold: stored.length + 1,
      trimmed: stored.length + 1,
    });
    expect((await acknowledge(reader, [live])).acked).toEqual([live]);
    expect(await search(reader)).toEqual([]);
    const next = await send(sender, reader, topicId, { payload });
    await eventually(async () => (await statusOf(next)) === 'expired');
    expect(await runTimer()).toMatchObject({ failed: false, receipts: 1, untold: 0 });
  });
});
