// How many NATS connections an instance opens, whatever it does. Runs before anything else is measured, so that
// the broker is the only one that connects.

import { readEverything } from '../rows/empty-poll';
import type { Check } from '../suite';

export const connections: Check = {
  name: 'connections',
  measure: async (bench) => {
    const before = await bench.natsConnectionsOpened();
    // Registers, creates a topic, publishes, searches and acknowledges.
    await readEverything(bench, await bench.participants('first participants', 10));
    const value = (await bench.natsConnectionsOpened()) - before;
    return [{ title: 'NATS connections of an instance', value, unit: '', limit: 2 }];
  },
};
