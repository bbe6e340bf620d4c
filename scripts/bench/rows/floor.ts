// Single publish to the floor: what all ratios refer to. It gets the very requests that the broker gets.

import type { Row } from '../suite';
import { publishRequests } from './publish-requests';

export const floor: Row = {
  name: 'floor',
  title: 'floor: bare Node handler, one publish',
  measure: async (bench) =>
    bench.loadForRound({
      port: await bench.floorPort(),
      requests: await publishRequests(bench),
      expect: '"sent":1',
      messagesEach: 1,
    }),
};
