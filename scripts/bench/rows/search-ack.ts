// Thirty messages fetched and acknowledged, two requests a turn: what a consumer with a backlog does.

import { concurrency, cursorCount } from '../bench';
import { fillMailboxes } from '../filled-mailboxes';
import { acknowledgeTemplate, postRequest } from '../http-text';
import type { Row } from '../suite';

const clientId = 'bench-consumer';
const amount = 30;

export const searchAck: Row = {
  name: 'search-ack',
  title: `search(${amount})+ack`,
  // 10,000 messages a second where the floor does 7,000 requests (design §12).
  target: 10 / 7,
  measure: async (bench) => {
    const consumers = await bench.participants('consumers', cursorCount);
    const turnsEach = bench.options.quick ? 1 : 6;
    await fillMailboxes(bench, consumers, turnsEach * amount);
    const search = { clientId, topicId: [await bench.topicId()], amount };
    return bench.load({
      port: await bench.brokerPort(),
      connections: concurrency,
      requests: consumers.map(({ token }) => postRequest('/messages/search', token, search)),
      until: { timesEach: turnsEach },
      expect: '"messageId"',
      acknowledge: consumers.map(({ token }) => acknowledgeTemplate(token, clientId)),
    });
  },
};
