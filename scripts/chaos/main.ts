// npm run chaos: plays seeded histories with faults between, checks them and prints a verdict for each.

import { parseArgs } from 'node:util';
import { runCommand } from '../stack/lifetime';
import { positive } from '../stack/number-options';
import { type ChaosStack, startChaosStack } from './chaos-stack';
import { runPlan } from './chaos-run';
import { check } from './check';
import { makePlan, storeOf } from './make-plan';
import type { StoreKind } from './plan';
import { reportLine } from './report';

runCommand(async (lifetime) => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      plan: { type: 'boolean', default: false },
    },
  });
  const first = positive('--seed', values.seed ?? String(Date.now() % 1_000_000));
  const count = positive('--seeds', values.seeds);
  const seconds =
    values.minutes === undefined
      ? positive('--seconds', values.seconds)
      : Math.round(positive('--minutes', values.minutes) * 60);
  const plans = Array.from({ length: count }, (_none, index) => makePlan(first + index, seconds));
  if (values.plan) {
    for (const plan of plans) console.log(JSON.stringify(plan, null, 2));
    return;
  }
  const startedAt = performance.now();
  const say = (text: string): void => {
    const passed = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.error(`${passed.padStart(7)} s  ${text}`);
  };
  let failures = 0;
  // Seeds of one kind of store share a stack.
  for (const kind of ['server', 'cluster'] satisfies StoreKind[]) {
    const own = plans.filter(({ seed }) => storeOf(seed) === kind);
    if (own.length === 0) continue;
    say(`starting two instances on a ${kind}`);
    const stack: ChaosStack = await startChaosStack(kind);
    lifetime.onStop(stack.stop);
    for (const plan of own) {
      const history = await runPlan(plan, stack, say);
      const violations = check(history);
      for (const { rule, what } of violations.slice(0, 50)) console.log(`${rule}: ${what}`);
      console.log(reportLine(plan, history, violations));
      if (violations.length > 0) failures++;
    }
    for (const line of stack.errorLines.slice(0, 20)) console.log(`logged: ${line}`);
    await stack.stop();
  }
  console.log(`chaos: ${plans.length} runs, ${failures} failed`);
  if (failures > 0) throw new Error(`chaos: replay one with --seed N --seconds ${seconds}`);
});
