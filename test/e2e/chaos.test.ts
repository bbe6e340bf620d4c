// Twenty short chaos runs: two instances of the built app on a server, and on the cluster of a deployment, with faults
// between what publishers, searchers, workers and the timer do. A run that fails is replayed by
// `npm run chaos -- --seed N --seconds 3`. CHAOS_SEEDS and CHAOS_FIRST_SEED choose other seeds.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ChaosStack, startChaosStack } from '../../scripts/chaos/chaos-stack';
import { runPlan } from '../../scripts/chaos/chaos-run';
import { check } from '../../scripts/chaos/check';
import { makePlan, storeOf } from '../../scripts/chaos/make-plan';
import { chosenChaosSeeds } from '../support/chaos-seeds';
import { root } from '../support/command';

// Three servers that elect leaders: on a busy machine that takes a while.
jest.setTimeout(120_000);

const seconds = 3;
const seeds = chosenChaosSeeds(process.env);

describe.each(['server', 'cluster'] as const)('two instances on a %s', (kind) => {
  let stack: ChaosStack;

  beforeAll(async () => {
    stack = await startChaosStack(kind, root);
  });
  afterAll(() => stack.stop());

  it.each(seeds.filter((seed) => storeOf(seed) === kind))(
    'keep every promise through the faults of seed %i',
    async (seed) => {
      const history = await runPlan(makePlan(seed, seconds), stack);
      expect(check(history)).toEqual([]);
      // Something was done.
      expect(history.events.filter((event) => event.kind === 'published').length).toBeGreaterThan(0);
    },
  );
});
