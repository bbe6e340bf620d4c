// What one participant's abuse costs another who behaves: its empty polls alone, and beside each abuse, as factors.

import type { Bench } from '../bench';
import { readEverything } from '../rows/empty-poll';
import type { Check, Fact, Sample, Suite } from '../suite';
import { abuses } from './abuses';

/** Connections of the participant who behaves. */
const connections = 4;
/**
 * What others may be slowed down by while abuser, broker, store and the one who behaves share the machine: a busy
 * neighbour who behaves costs 3 × already.
 */
const limit = 20;
/** The abuse begins first. Unit: s. */
const lead = 0.5;

const slowdown: Check = {
  name: 'abuse',
  measure: async (bench: Bench): Promise<readonly Fact[]> => {
    const victims = await bench.participants('victims', 8);
    const [abuser] = await bench.participants('abusers', 1);
    if (!abuser) return [];
    const requests = await readEverything(bench, victims);
    const port = await bench.brokerPort();
    const seconds = bench.options.quick ? 2 : 5;
    const behave = (): Promise<Sample> =>
      bench.load({ port, connections, requests, until: { seconds }, expect: '[]' });
    await behave();
    const facts: Fact[] = [];
    for (const { name, abuse } of await abuses(bench, abuser)) {
      // Alone anew each time: what else the machine does meets both alike.
      bench.options.progress('alone');
      const alone = await behave();
      bench.options.progress(`beside ${name}`);
      const process = bench.abuser();
      const abusing = process.call({ ...abuse, port, seconds: seconds + 2 * lead });
      await new Promise((begun) => setTimeout(begun, lead * 1_000));
      const beside = await behave();
      const statuses = Object.entries(await abusing).map(([status, count]) => `${count} × ${status}`);
      await process.stop();
      bench.options.progress(`  ${statuses.join(', ')}`);
      const title = `${name}: p50 ${shown(alone.p50Ms, beside.p50Ms)}, p99 ${shown(alone.p99Ms, beside.p99Ms)}`;
      facts.push({ title, value: beside.p50Ms / alone.p50Ms, unit: '×', limit });
    }
    return facts;
  },
};

const shown = (alone: number, beside: number): string => `${alone.toFixed(1)} → ${beside.toFixed(1)} ms`;

export const abuse: Suite = {
  name: 'abuse',
  summary: 'how much one participant’s abuse slows down another who behaves',
  checks: [slowdown],
  rows: [],
  curves: [],
};
