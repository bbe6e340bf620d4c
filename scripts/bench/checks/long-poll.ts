// How soon a waiting receive is answered: from the beginning of a publish to the end of the answer that brings its
// message, at two hundred messages a second.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, Participant } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { quantile } from '../statistics';
import type { Check } from '../suite';

const receiverCount = 50;
const everyMs = 1_000 / 200;
/** Share of the messages that are not counted: as with the rows, what runs for the first time is not measured. */
const warmUpShare = 0.25;
const clientId = 'bench-waiter';

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
    for (const receiver of receivers) await bench.call(`/clients/${clientId}/receive`, receiver, { max: 10 });
    const count = bench.options.quick ? 400 : 4_000;
    const sentAt = new Map<string, number>();
    const took: number[] = [];
    const receiving = receivers.map(async (receiver) => {
      while (took.length < count) {
        const path = `/clients/${clientId}`;
        const body = { max: 10, waitSeconds: 2 };
        const { messages } = await bench.call<Received>(`${path}/receive`, receiver, body);
        const now = performance.now();
        took.push(...messages.map(({ message }) => now - (sentAt.get(message.payload) ?? now)));
        const leaseTokens = messages.map(({ leaseToken }) => leaseToken);
        if (leaseTokens.length) await bench.call(`${path}/acknowledge`, receiver, { leaseTokens });
      }
    });
    await Promise.all([...receiving, send(bench, receivers, count, sentAt)]);
    const sorted = Float64Array.from(took.slice(count * warmUpShare)).sort();
    const title = 'publish to answer of a waiting receive, 200 msg/s';
    return [
      { title: `${title}, p50`, value: quantile(sorted, 0.5), unit: 'ms', limit: 10 },
      { title: `${title}, p99`, value: quantile(sorted, 0.99), unit: 'ms', limit: 50 },
    ];
  },
};

/** Sends to each in turn, as the clock says. */
async function send(
  bench: Bench,
  receivers: readonly Participant[],
  count: number,
  sentAt: Map<string, number>,
): Promise<void> {
  const [sender] = await bench.participants('senders', 1);
  const body = await bench.publishBody([], 1);
  // The first round of receives has begun to wait.
  await delay(500);
  const begun = performance.now();
  const sending: Promise<unknown>[] = [];
  for (let number = 0; number < count; number++) {
    const dueInMs = begun + number * everyMs - performance.now();
    if (dueInMs > 1) await delay(dueInMs);
    const payload = randomUUID();
    const recipient = receivers[number % receivers.length];
    sentAt.set(payload, performance.now());
    sending.push(bench.call('/messages', sender, { ...body, fqcns: [recipient?.did], payload }));
  }
  await Promise.all(sending);
}
