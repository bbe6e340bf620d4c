// The life of files over interleavings and crashes: owners, recipients, the timer and the clock do what they like in
// any order, and processes die at any step. Stores and log are the stand-ins in memory.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FileLifecycleWorld, type LifecycleCommand } from '../../support/file-lifecycle-world';

const hour = 3_600_000;
/** Life of an upload URL. */
const urlMs = 900_000;

/** Who does what; each runs as a process of its own, which dies at the given step when there is one. */
const command = fc.record({
  action: fc.constantFrom(
    'upload',
    'overwrite',
    'complete',
    'complete',
    'legacy',
    'lateLegacy',
    'share',
    'remove',
    'sweep',
  ),
  diesAt: fc.option(fc.integer({ min: 0, max: 14 }), { nil: undefined, freq: 2 }),
});
/** Commands that run at once, and the time that passes before the next ones. */
const group = fc.record({
  commands: fc.array(command, { minLength: 1, maxLength: 4 }),
  waitMs: fc.constantFrom(0, 0, 1_000, 130_000, urlMs + 1_000, hour / 2, hour, 3 * hour),
});
const history = fc.array(group, { minLength: 1, maxLength: 8 });
const upload: LifecycleCommand = { action: 'upload', diesAt: undefined };
const sweep: LifecycleCommand = { action: 'sweep', diesAt: undefined };

describe('whatever happens, and wherever a broker dies', () => {
  test('no live message refers to bytes that are not there, and nobody gets two', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.scheduler(), async (groups, scheduler) => {
        const world = new FileLifecycleWorld(scheduler);
        await world.open();
        await scheduler.waitFor(world.run(upload));
        for (const { commands, waitMs } of groups) {
          await scheduler.waitFor(Promise.all(commands.map((each) => world.run(each))));
          expect(world.danglingMessages()).toEqual([]);
          expect(world.repeatedRecipients()).toEqual([]);
          world.wait(waitMs);
          expect(world.danglingMessages()).toEqual([]);
        }
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  test('what was begun can be completed, once for each recipient', async () => {
    const step = fc.integer({ min: 0, max: 30 });
    await fc.assert(
      fc.asyncProperty(step, step, fc.boolean(), fc.scheduler(), async (first, second, isLate, scheduler) => {
        const world = new FileLifecycleWorld(scheduler);
        await world.open();
        await scheduler.waitFor(world.run(upload));
        for (const diesAt of [first, second]) {
          await scheduler.waitFor(world.run({ action: 'complete', diesAt }));
          // Beyond what the message store remembers of transactions.
          if (isLate) world.wait(130_000);
        }
        const { outcomes } = await scheduler.waitFor(world.complete());
        const ids = outcomes.map((outcome) => ('messageId' in outcome ? outcome.messageId : outcome.code));
        expect(outcomes.map(({ recipient }) => recipient)).toEqual(world.recipients);
        expect(world.messageIds()).toEqual(ids);
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  test('nothing is left once the last message has ended and the timer has run', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.scheduler(), async (groups, scheduler) => {
        const world = new FileLifecycleWorld(scheduler);
        await world.open();
        await scheduler.waitFor(world.run(upload));
        for (const { commands, waitMs } of groups) {
          await scheduler.waitFor(Promise.all(commands.map((each) => world.run(each))));
          world.wait(waitMs);
        }
        world.wait(1_000 * hour);
        await scheduler.waitFor(world.run(sweep));
        expect(world.leftovers()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  }, 60_000);

  test.each([
    [
      'the upload began before its URL ended, and the file was removed after',
      urlMs + 1_000,
      ['remove', 'upload'],
    ],
    ['the store was silent when the broker committed them', 0, ['lateLegacy', 'sweep']],
  ] satisfies [string, number, LifecycleCommand['action'][]][])(
    'regression: bytes that land late have a record by which the timer finds them: %s',
    async (_how, waitMs, actions) => {
      const [scheduler] = fc.sample(fc.scheduler(), 1);
      if (!scheduler) throw new Error('there is no scheduler');
      const world = new FileLifecycleWorld(scheduler);
      await world.open();
      world.wait(waitMs);
      for (const action of actions) await scheduler.waitFor(world.run({ action, diesAt: undefined }));
      world.wait(1_000 * hour);
      await scheduler.waitFor(world.run(sweep));
      expect(world.leftovers()).toEqual([]);
    },
  );
});
