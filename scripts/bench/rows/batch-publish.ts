// A hundred messages in one request, one recipient each: what a participant with much to send does.

import { cursorCount } from '../bench';
import { postRequest } from '../http-text';
import type { Row } from '../suite';

const messagesEach = 100;

export const batchPublish: Row = {
  name: 'batch-publish',
  title: `batch publish(${messagesEach})`,
  target: 3,
  measure: async (bench) => {
    const requests = await bench.once('batch requests', async () => {
      const senders = await bench.participants('senders', cursorCount);
      const recipients = await bench.participants('recipients', cursorCount);
      const bodyTo = (index: number) => {
        const at = index % cursorCount;
        return bench.publishBody(recipients.slice(at, at + 1));
      };
      return Promise.all(
        senders.map(async ({ token }, sender) => {
          const messages = Array.from({ length: messagesEach }, (_none, index) => bodyTo(sender + index));
          return postRequest('/messages/batch', token, { messages: await Promise.all(messages) });
        }),
      );
    });
    return bench.loadForRound({
      port: await bench.brokerPort(),
      requests,
      expect: '"sent":1',
      messagesEach,
    });
  },
};
