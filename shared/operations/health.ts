// Is the broker able to work? Every backend is asked at once within one deadline; the answer is kept for about a
// second and calls in between share it, so that a flood of health calls costs the backends nothing.

import type { Clock } from '../clock';
import type { Log } from '../log';

/** Port: one backend that can be asked whether it works. Rejects, with any error, when it does not. */
export interface HealthCheck {
  /** Shown to everybody: `nats`, `sql`, `blob`. */
  readonly name: string;
  check(): Promise<void>;
}

export interface CheckResult {
  readonly name: string;
  readonly status: 'UP' | 'DOWN';
  /** Milliseconds; the deadline when the check did not end before it. */
  readonly durationMs: number;
}

export interface HealthReport {
  /** `UP` when every check is. */
  readonly status: 'UP' | 'DOWN';
  readonly checks: readonly CheckResult[];
}

export interface HealthOptions {
  readonly checks: readonly HealthCheck[];
  readonly log: Log;
  readonly clock: Clock;
  /** Milliseconds that all checks together may take. Default 3,000. */
  readonly deadlineMs?: number;
  /** Milliseconds an answer is kept after it was found. Default 1,000. */
  readonly keptMs?: number;
}

/** Asks after the health of the broker; never rejects. Why a check failed is in the log alone. */
export function createHealth(options: HealthOptions): () => Promise<HealthReport> {
  const { checks, log, clock, deadlineMs = 3_000, keptMs = 1_000 } = options;
  /** Checks that have not ended; one that hangs is not started a second time. */
  const running = new Map<HealthCheck, Promise<void>>();
  let report: Promise<HealthReport> | undefined;
  let endedAtMs: number | undefined;

  const start = (check: HealthCheck): Promise<void> => {
    let run = running.get(check);
    if (!run) {
      // Inside an async function, so that a check that throws at once counts as one that rejects.
      run = (async () => check.check())().finally(() => running.delete(check));
      running.set(check, run);
    }
    return run;
  };

  const ask = async (check: HealthCheck): Promise<CheckResult> => {
    const startedAtMs = clock();
    let status: CheckResult['status'] = 'UP';
    try {
      await within(start(check), deadlineMs);
    } catch (error) {
      status = 'DOWN';
      log('warn', 'health check failed', { check: check.name, error });
    }
    return { name: check.name, status, durationMs: Math.max(0, clock() - startedAtMs) };
  };

  const askAll = async (): Promise<HealthReport> => {
    const results = await Promise.all(checks.map(ask));
    endedAtMs = clock();
    return { status: results.every((one) => one.status === 'UP') ? 'UP' : 'DOWN', checks: results };
  };

  return () => {
    const fresh = endedAtMs === undefined || clock() - endedAtMs < keptMs;
    if (report === undefined || !fresh) {
      endedAtMs = undefined;
      report = askAll();
    }
    return report;
  };
}

async function within(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
