// How soon a waiting receive is answered: from the beginning of a publish to the end of the answer that brings its
// message, at two hundred messages a second; and what a message costs on its way.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Participant } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { HttpConnection } from '../http-connection';
import { postRequest } from '../http-text';
import { isUsageTold, usageOf } from '../process-usage';
import { quantile } from '../statistics';
import type { Check } from '../suite';

const receiverCount = 50;
const everyMs = 1_000 / 200;
/** Share of the messages that are not counted: as with the rows, what runs for the first time is not measured. */
const warmUpShare = 0.25;
const path = '/clients/bench-waiter';

interface Received {
  readonly messages: readonly {
    readonly leaseToken: string;
    readonly message: { readonly payload: string };
  }[];
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
    const took: number[] = [];
    const isDone = (): boolean => took.length >= count;
    await Promise.all([
      ...receivers.map((receiver) => receive(bench, receiver, sentAt, took, isDone)),
      send(bench, receivers, count, sentAt),
    ]);
    const cpuEachMs = ((await cpuMs()) - cpuBeforeMs) / count;
    const sorted = Float64Array.from(took.slice(count * warmUpShare)).sort();
    const title = 'publish to answer of a waiting receive, 200 msg/s';
    return [
      { title: `${title}, p50`, value: quantile(sorted, 0.5), unit: 'ms', limit: 10 },
      { title: `${title}, p99`, value: quantile(sorted, 0.99), unit: 'ms', limit: 50 },
      ...(isUsageTold
        ? [{ title: `${title}: CPU of the broker`, value: cpuEachMs, unit: 'ms/message' }]
        : []),
    ];
  },
};

/** Waits, and acknowledges what has come, until all have theirs. */
async function receive(
  bench: Bench,
  { token }: Participant,
  sentAt: ReadonlyMap<string, number>,
  took: number[],
  isDone: () => boolean,
): Promise<void> {
  const connection = await HttpConnection.open(await bench.brokerPort());
  const waiting = Buffer.from(postRequest(`${path}/receive`, token, { max: 10, waitSeconds: 2 }));
  while (!isDone()) {
    const { messages } = JSON.parse((await connection.send(waiting)).toString()) as Received;
    const now = performance.now();
    took.push(...messages.map(({ message }) => now - (sentAt.get(message.payload) ?? now)));
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
