// Publishes of one message each from every sender of the bench to one recipient.

import { type Bench, cursorCount } from '../bench';
import { postRequest } from '../http-text';

export function publishRequests(bench: Bench): Promise<readonly string[]> {
  return bench.once('publish requests', async () => {
    const senders = await bench.participants('senders', cursorCount);
    const recipients = await bench.participants('recipients', cursorCount);
    return Promise.all(
      senders.map(async ({ token }, index) =>
        postRequest('/messages', token, await bench.publishBody(recipients.slice(index, index + 1))),
      ),
    );
  });
}
