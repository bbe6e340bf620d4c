// Fills mailboxes with messages for those who read them.

import type { Bench, Participant } from './bench';
import { postRequest } from './http-text';

/** Recipients of one request while mailboxes are filled. */
const recipientsEach = 100;

/** Sends every participant as many messages. @param payloadBytes 1 KiB unless told */
export async function fillMailboxes(
  bench: Bench,
  recipients: readonly Participant[],
  messagesEach: number,
  payloadBytes?: number,
): Promise<void> {
  const [sender] = await bench.participants('senders', 1);
  const requests: string[] = [];
  for (let at = 0; at < recipients.length; at += recipientsEach) {
    const body = await bench.publishBody(recipients.slice(at, at + recipientsEach), payloadBytes);
    requests.push(postRequest('/messages', sender?.token ?? '', body));
  }
  await bench.load({
    port: await bench.brokerPort(),
    connections: 4,
    requests,
    until: { timesEach: messagesEach },
    expect: '"failed":0',
  });
}
