// What a publish costs with more recipients: each has a stored message and an outcome of its own.

import { concurrency, cursorCount } from '../bench';
import { postRequest } from '../http-text';
import type { Curve, Point } from '../suite';

export const recipients: Curve = {
  name: 'recipients',
  title: 'publish to 1 → 25 recipients',
  unit: 'recipients',
  measure: async (bench) => {
    const senders = await bench.participants('senders', cursorCount);
    const all = await bench.participants('recipients', cursorCount);
    const points: Point[] = [];
    for (const size of bench.options.quick ? [1, 25] : [1, 5, 10, 25]) {
      bench.options.progress(`publish to ${size}`);
      const requests = await Promise.all(
        senders.map(async ({ token }, index) => {
          const chosen = Array.from({ length: size }, (_none, at) => all[(index + at) % all.length]);
          return postRequest(
            '/messages',
            token,
            await bench.publishBody(chosen.filter((one) => one !== undefined)),
          );
        }),
      );
      const { p50Ms, p99Ms, messages, seconds } = await bench.load({
        port: await bench.brokerPort(),
        // As many messages on their way at each size, or the queue in front would be what grows.
        connections: Math.max(2, Math.round(concurrency / size)),
        requests,
        until: { seconds: bench.options.roundSeconds },
        expect: `"sent":${size}`,
        messagesEach: size,
      });
      points.push({ size, p50Ms, p99Ms, messagesPerSecond: messages / seconds });
    }
    return points;
  },
};
