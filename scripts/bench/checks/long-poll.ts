// How soon a waiting receive is answered, at two hundred messages a second: to the end of the answer that brings a
// message, from when it was stored and from the beginning of its publish; and what a message costs on its way.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Participant } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { HttpConnection } from '../http-connection';
import { postRequest } from '../http-text';
import { isUsageTold, usageOf } from '../process-usage';
import { quantile } from '../statistics';
import type { Check, Fact } from '../suite';

const receiverCount = 50;
const everyMs = 1_000 / 200;
/** Share of the messages that are not counted: as with the rows, what runs for the first time is not measured. */
const warmUpShare = 0.25;
const path = '/clients/bench-waiter';

interface Received {
  readonly messages: readonly {
    readonly leaseToken: string;
    /** Stored at `timestampNanos` since the epoch, by the clock of nats-server, which runs on this machine. */
    readonly message: { readonly payload: string; readonly timestampNanos: number };
  }[];
}

/** What one message took until its answer had come. Unit: ms. */
interface Wait {
  readonly sincePublish: number;
  readonly sinceStored: number;
}

export const longPoll: Check = {
  name: 'long-poll',
  measure: async (bench) => {
    const receivers = await bench.participants('waiters', receiverCount);
    // What is made at the first use of a mailbox is not what is measured.
    await fillMailboxes(bench, receivers, 1);
    for (const receiver of receivers) await bench.call(`${path}/receive`, receiver, { max: 10 });
    const count = bench.options.quick ? 400 : 4_000;
    const broker = (await bench.broker()).pid;
    const cpuMs = async (): Promise<number> => (isUsageTold ? (await usageOf(broker)).cpuMs : 0);
    const cpuBeforeMs = await cpuMs();
    const sentAt = new Map<string, number>();
    const waits: Wait[] = [];
    const isDone = (): boolean => waits.length >= count;
    await Promise.all([
      ...receivers.map((receiver) => receive(bench, receiver, sentAt, waits, isDone)),
      send(bench, receivers, count, sentAt),
    ]);
    const cpuEachMs = ((await cpuMs()) - cpuBeforeMs) / count;
    const counted = waits.slice(count * warmUpShare);
    const title = 'answer of a waiting receive, 200 msg/s';
    return [
      ...latencies(
        `${title}, after its message was stored`,
        counted.map(({ sinceStored }) => sinceStored),
      ),
      ...latencies(
        `${title}, after its publish began`,
        counted.map(({ sincePublish }) => sincePublish),
      ),
      ...(isUsageTold
        ? [{ title: `${title}: CPU of the broker`, value: cpuEachMs, unit: 'ms/message' }]
        : []),
    ];
  },
};

function latencies(title: string, tookMs: readonly number[]): readonly Fact[] {
  const sorted = Float64Array.from(tookMs).sort();
  return [
    { title: `${title}: p50`, value: quantile(sorted, 0.5), unit: 'ms', limit: 10 },
    { title: `${title}: p99`, value: quantile(sorted, 0.99), unit: 'ms', limit: 50 },
  ];
}

/** Waits, and acknowledges what has come, until all have theirs. */
async function receive(
  bench: Bench,
  { token }: Participant,
  sentAt: ReadonlyMap<string, number>,
  waits: Wait[],
  isDone: () => boolean,
): Promise<void> {
  const connection = await HttpConnection.open(await bench.brokerPort());
  const waiting = Buffer.from(postRequest(`${path}/receive`, token, { max: 10, waitSeconds: 2 }));
  while (!isDone()) {
    const { messages } = JSON.parse((await connection.send(waiting)).toString()) as Received;
    const now = performance.now();
    const wallClock = performance.timeOrigin + now;
    const waited = messages.map(({ message: { payload, timestampNanos } }) => ({
      sincePublish: now - (sentAt.get(payload) ?? now),
      sinceStored: wallClock - timestampNanos / 1e6,
    }));
    waits.push(...waited);
    const leaseTokens = messages.map(({ leaseToken }) => leaseToken);
    if (!leaseTokens.length) continue;
    await connection.send(Buffer.from(postRequest(`${path}/acknowledge`, token, { leaseTokens })));
  }
  connection.close();
}

/** Sends to each in turn, as the clock says. */
async function send(
  bench: Bench,
  receivers: readonly Participant[],
  count: number,
  sentAt: Map<string, number>,
): Promise<void> {
  const [sender] = await bench.participants('senders', 1);
  const body = await bench.publishBody([], 1);
  const port = await bench.brokerPort();
  const free: HttpConnection[] = [];
  const publish = async (payload: string, did: string | undefined): Promise<void> => {
    const request = postRequest('/messages', sender?.token ?? '', { ...body, fqcns: [did], payload });
    sentAt.set(payload, performance.now());
    const connection = free.pop() ?? (await HttpConnection.open(port));
    await connection.send(Buffer.from(request));
    free.push(connection);
  };
  // The first round of receives has begun to wait.
  await delay(500);
  const begun = performance.now();
  const sending: Promise<unknown>[] = [];
  for (let number = 0; number < count; number++) {
    const dueInMs = begun + number * everyMs - performance.now();
    if (dueInMs > 1) await delay(dueInMs);
    sending.push(publish(randomUUID(), receivers[number % receivers.length]?.did));
  }
  await Promise.all(sending);
  for (const connection of free) connection.close();
}
