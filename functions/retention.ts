// The retention timer: what has a lifetime is looked after here, step by step (design §6). In Azure the platform runs
// one at a time; two at once do no harm.

import type { Clock } from '../shared/clock';
import type { Log } from '../shared/log';
import { type RetentionStep, runRetention } from '../shared/retention';

/** A timer function: registered in functions/index.ts, run by hand through POST /admin/functions/<name>. */
export interface Timer {
  readonly name: string;
  /** NCRONTAB, six fields. */
  readonly schedule: string;
  readonly run: () => Promise<void>;
}

export interface RetentionTimerDependencies {
  readonly steps: readonly RetentionStep[];
  readonly schedule: string;
  readonly budgetSeconds: number;
  readonly clock: Clock;
  readonly log: Log;
}

export function retentionTimer({
  steps,
  schedule,
  budgetSeconds,
  clock,
  log,
}: RetentionTimerDependencies): Timer {
  return {
    name: 'retention',
    schedule,
    run: async () => {
      await runRetention({ steps, budgetMs: budgetSeconds * 1_000, clock, log });
    },
  };
}
