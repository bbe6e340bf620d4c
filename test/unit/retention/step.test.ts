// A run of the retention timer: its steps, their budgets, and the one line that it writes.

import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../../shared/log';
import { PartlyFailed, type RetentionStep, runRetention } from '../../../shared/retention';

interface Line {
  readonly event: string;
  readonly steps: Readonly<Record<string, unknown>>;
}

/** Runs steps whose looks at the clock take a second each. */
async function run(steps: readonly RetentionStep[], budgetMs = 10_000): Promise<readonly Line[]> {
  const lines: Line[] = [];
  let nowMs = 0;
  await runRetention({
    steps,
    budgetMs,
    clock: () => (nowMs += 1_000),
    log: createLog('info', (_level, line) => lines.push(JSON.parse(line) as Line)),
  });
  return lines;
}

/** Works until its time is over. */
const greedy = (name: string, share: number): RetentionStep => ({
  name,
  share,
  run: (isOutOfTime) => {
    let done = 0;
    while (!isOutOfTime()) done++;
    return Promise.resolve({ done });
  },
});

describe('a run of the retention timer', () => {
  it('writes one line with what each step did', async () => {
    const lines = await run([
      { name: 'one', share: 1, run: () => Promise.resolve({ removed: 3 }) },
      { name: 'two', share: 1, run: () => Promise.resolve({ seen: 0, repaired: 0 }) },
    ]);
    expect(lines).toEqual([
      expect.objectContaining({
        event: 'retention run',
        level: 'info',
        steps: {
          one: { durationMs: 1_000, failed: false, removed: 3 },
          two: { durationMs: 1_000, failed: false, seen: 0, repaired: 0 },
        },
      }),
    ]);
  });

  it('goes on after a step that failed, and says which', async () => {
    const lines = await run([
      { name: 'broken', share: 1, run: () => Promise.reject(new Error('away')) },
      { name: 'sound', share: 1, run: () => Promise.resolve({ removed: 1 }) },
    ]);
    expect(lines.map(({ event }) => event)).toEqual(['retention step failed', 'retention run']);
    expect(lines[0]).toMatchObject({ step: 'broken', level: 'error' });
    expect(lines[1]?.steps).toMatchObject({ broken: { failed: true }, sound: { failed: false, removed: 1 } });
  });

  it('regression: counts what a step has done of which a part failed', async () => {
    const failure = new PartlyFailed({ removed: 2 }, new Error('away'));
    const lines = await run([{ name: 'torn', share: 1, run: () => Promise.reject(failure) }]);
    expect(lines[1]?.steps).toMatchObject({ torn: { failed: true, removed: 2 } });
  });

  it('ends a step when its share is used up, and all of them with the budget', async () => {
    const [line] = await run([greedy('half', 0.5), greedy('all', 1), greedy('late', 1)]);
    expect(line?.steps).toMatchObject({ half: { done: 4 }, late: { done: 0 } });
  });
});
