// Removing what is due: many at once, in spite of an index that lags, and no longer than there is time.

import { describe, expect, test } from '@jest/globals';
import { sweepDue } from '../../shared/sweep';

const names = (count: number) => Array.from({ length: count }, (_none, index) => `name ${index}`);

/** An index, which may still name what has gone, and what is left. */
function store(count: number, isLagging = false) {
  const left = new Set(names(count));
  return {
    left,
    findDue: (max: number) => Promise.resolve((isLagging ? names(count) : [...left]).slice(0, max)),
    remove: (name: string) => Promise.resolve(left.delete(name)),
  };
}

describe('sweeping', () => {
  test('removes all that is due, and counts what was there', async () => {
    const { findDue, remove, left } = store(2_001);
    expect(await sweepDue({ findDue, remove, isOutOfTime: () => false })).toBe(2_001);
    expect(left.size).toBe(0);
  });

  test('regression: has sixteen removals on their way at once, for one after the other is outrun', async () => {
    const { findDue, remove } = store(64);
    let waiting: (() => void)[] = [];
    const removed = await sweepDue({
      findDue,
      // Nobody is let through before sixteen have come.
      remove: async (name) => {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length < 16) return;
          for (const go of waiting) go();
          waiting = [];
        });
        return remove(name);
      },
      isOutOfTime: () => false,
    });
    expect(removed).toBe(64);
  });

  test('regression: goes past what a lagging index still names', async () => {
    const { findDue, remove, left } = store(3_000, true);
    expect(await sweepDue({ findDue, remove, isOutOfTime: () => false })).toBe(3_000);
    expect(left.size).toBe(0);
  });

  test('ends when time is up, after one at least', async () => {
    const { findDue, remove } = store(1_000);
    expect(await sweepDue({ findDue, remove, isOutOfTime: () => true })).toBe(1);
    let asked = 0;
    expect(await sweepDue({ findDue, remove, isOutOfTime: () => ++asked > 100 })).toBe(101);
  });

  test('counts nothing that had gone already', async () => {
    const { findDue } = store(10);
    expect(await sweepDue({ findDue, remove: () => Promise.resolve(false), isOutOfTime: () => false })).toBe(
      0,
    );
  });
});
