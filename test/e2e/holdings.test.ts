// What a fuzz or soak run asks of its broker's process ends also where the broker has ended.

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type FuzzStack, startFuzzStack } from '../../scripts/fuzz/fuzz-stack';
import { root } from '../support/command';

let stack: FuzzStack;
beforeAll(async () => {
  stack = await startFuzzStack({}, root);
}, 60_000);
afterAll(() => stack.stop());

it('regression: a broker that dies before it has said what it holds is not waited for for ever', async () => {
  expect((await stack.holdings()).heapBytes).toBeGreaterThan(0);
  await stack.broker.kill('SIGSTOP');
  const asked = expect(stack.holdings()).rejects.toThrow('the broker had ended');
  await stack.broker.kill('SIGKILL');
  await asked;
  await expect(stack.holdings()).rejects.toThrow('the broker had ended');
});
