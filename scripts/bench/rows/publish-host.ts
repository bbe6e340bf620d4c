// Single publish through the broker as it runs: local host, library, handler.

import type { Row } from '../suite';
import { publishRequests } from './publish-requests';

export const publishHost: Row = {
  name: 'publish',
  title: 'publish, through the library',
  target: 0.45,
  measure: async (bench) =>
    bench.loadForRound({
      port: await bench.brokerPort(),
      requests: await publishRequests(bench),
      expect: '"sent":1',
      messagesEach: 1,
    }),
};
