// A step of the retention timer: one thing that has a lifetime, looked after within a budget of time. A part of
// the broker that keeps something with a lifetime adds its own step to the list in functions/container.ts.

import type { Clock } from '../clock';
import type { Log } from '../log';

/** What a step did, as counts for the log line and the metrics. */
export type StepCounts = Readonly<Record<string, number>>;

export interface RetentionStep {
  /** A verb and its object: `expire messages`. */
  readonly name: string;
  /** Largest part of the run's time that the step may take, 0 to 1. */
  readonly share: number;
  /**
   * Works until it is done or out of time, and goes on at the next run. What it leaves must be repeatable: it may be
   * killed anywhere, and another instance may do the same at the same time.
   */
  run(isOutOfTime: () => boolean): Promise<StepCounts>;
}

/** Some of a step's work failed, of which the cause is the first; the rest was done. */
export class PartlyFailed extends Error {
  constructor(
    readonly counts: StepCounts,
    cause: unknown,
  ) {
    super('Some of the work failed and is left to the next run.', { cause });
    this.name = 'PartlyFailed';
  }
}

export interface StepReport {
  readonly name: string;
  readonly durationMs: number;
  readonly counts: StepCounts;
  /** The step failed; the next run tries again. */
  readonly failed: boolean;
}

export interface RetentionRunOptions {
  readonly steps: readonly RetentionStep[];
  /** All steps together. Unit: ms. */
  readonly budgetMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs the steps one after the other; one that fails is logged and does not keep the others from running. */
export async function runRetention(options: RetentionRunOptions): Promise<readonly StepReport[]> {
  const { steps, budgetMs, clock, log } = options;
  const startedAt = clock();
  const endsAt = startedAt + budgetMs;
  const reports: StepReport[] = [];
  for (const step of steps) {
    const stepStartedAt = clock();
    const stepEndsAt = Math.min(endsAt, stepStartedAt + step.share * budgetMs);
    let counts: StepCounts = {};
    let failed = false;
    try {
      counts = await step.run(() => clock() >= stepEndsAt);
    } catch (error) {
      failed = true;
      if (error instanceof PartlyFailed) counts = error.counts;
      log('error', 'retention step failed', { step: step.name, error });
    }
    reports.push({ name: step.name, durationMs: clock() - stepStartedAt, counts, failed });
  }
  log('info', 'retention run', {
    durationMs: clock() - startedAt,
    budgetMs,
    steps: Object.fromEntries(
      reports.map(({ name, durationMs, counts, failed }) => [name, { durationMs, failed, ...counts }]),
    ),
  });
  return reports;
}
