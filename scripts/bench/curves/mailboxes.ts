// What an empty poll costs with more mailboxes that are polled in turn, each with a cursor of its own.

import { concurrency } from '../bench';
import { readEverything } from '../rows/empty-poll';
import type { Curve, Point } from '../suite';

export const mailboxes: Curve = {
  name: 'poll-growth',
  title: 'empty poll of 10 → 10,000 mailboxes',
  unit: 'mailboxes',
  limit: 1.5,
  measure: async (bench) => {
    const sizes = bench.options.quick ? [10, 1_000] : [10, 100, 1_000, 10_000];
    const largest = sizes.at(-1) ?? 0;
    bench.options.progress(`${largest} participants`);
    const participants = await bench.participants('many', largest);
    bench.options.progress(`a message for each of ${largest} mailboxes`);
    const requests = await readEverything(bench, participants);
    const port = await bench.brokerPort();
    const points: Point[] = [];
    for (const size of sizes) {
      bench.options.progress(`polls of ${size}`);
      const load = { port, connections: concurrency, requests: requests.slice(0, size), expect: '[]' };
      // Once round, so that what an instance remembers of each is there, as it is in a running one.
      await bench.load({ ...load, until: { timesEach: 1 } });
      const { p50Ms, p99Ms } = await bench.load({
        ...load,
        until: { seconds: bench.options.roundSeconds },
      });
      points.push({ size, p50Ms, p99Ms });
    }
    return points;
  },
};
