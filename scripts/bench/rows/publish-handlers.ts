// Single publish with the library's HTTP server left out: what the broker's own code costs above the floor.

import type { Row } from '../suite';
import { publishRequests } from './publish-requests';

export const publishHandlers: Row = {
  name: 'publish-handlers',
  title: 'publish, handlers alone',
  target: 0.8,
  measure: async (bench) =>
    bench.loadForRound({
      port: await bench.handlersPort(),
      requests: await publishRequests(bench),
      expect: '"sent":1',
      messagesEach: 1,
    }),
};
