// Timer triggers: on their NCRONTAB schedule in UTC, and by hand. A timer never overlaps itself: a tick that
// comes while it runs is left out, as on the real host; a run asked for by hand follows the one under way.

import { randomUUID } from 'node:crypto';
import { Cron } from 'croner';
import type { Binding, HostLog, RegisteredFunction } from './core-module';
import { HostError } from './host-error';
import { invoke } from './invoke';
import type { LoadedApp } from './load-app';
import { compareNames } from './routes';
import type { WorkCounter } from './work-counter';

export interface TimerFunction {
  readonly name: string;
  readonly binding: string;
  readonly registered: RegisteredFunction;
  readonly schedule: Cron;
  readonly runOnStartup: boolean;
}

export interface Timers {
  /** Starts the schedules, and the timers that ask to run at start. */
  readonly start: () => void;
  /** Runs one in the background; false when there is none of that name (names ignore case). */
  readonly run: (name: string) => boolean;
  /** No tick begins after this; runs under way go on. */
  readonly stop: () => void;
}

// What NCRONTAB knows; croner alone would also take L, W, # and nicknames, which fail on the platform.
const value = String.raw`(?:\d{1,2}|[a-z]{3})`;
const field = String.raw`(?:(?:\*|${value}(?:-${value})?)(?:\/\d+)?)`;
const ncrontab = new RegExp(String.raw`^${field}(?:,${field})*(?:\s+${field}(?:,${field})*){5}$`, 'i');

/**
 * Parses an NCRONTAB expression: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC, where day and
 * day of week both have to match. `%NAME%` is a setting.
 * @throws Error when it is not one
 */
export function parseSchedule(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Cron {
  const expression = /^%.+%$/.test(text) ? (environment[text.slice(1, -1)] ?? text) : text;
  if (!ncrontab.test(expression.trim())) {
    throw new Error(`"${expression}" is not an NCRONTAB expression of six fields`);
  }
  return new Cron(expression.trim(), { mode: '6-part', timezone: 'UTC', domAndDow: true, paused: true });
}

/** Reads the options of a timer trigger. @throws HostError when its schedule is not understood */
export function toTimerFunction(
  registered: RegisteredFunction,
  binding: string,
  trigger: Binding,
): TimerFunction {
  const name = registered.metadata.name;
  try {
    const schedule = parseSchedule(String(trigger['schedule']), process.env);
    return { name, binding, registered, schedule, runOnStartup: trigger['runOnStartup'] === true };
  } catch (error) {
    throw new HostError(`The schedule of function ${name}: ${(error as Error).message}.`, { cause: error });
  }
}

export function createTimers(
  app: LoadedApp,
  functions: readonly TimerFunction[],
  work: WorkCounter,
  log: HostLog,
): Timers {
  const running = new Set<TimerFunction>();
  const asked = new Set<TimerFunction>();

  const tick = (timer: TimerFunction): void => {
    if (running.has(timer)) return;
    running.add(timer);
    work.begin();
    invoke(app, timer.registered, {
      invocationId: randomUUID(),
      binding: timer.binding,
      data: { json: JSON.stringify(describeRun(timer.schedule)) },
      metadata: {},
    })
      .catch((error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log('error', `Function ${timer.name} failed. ${text}`);
      })
      .finally(() => {
        running.delete(timer);
        if (asked.delete(timer)) tick(timer);
        work.end();
      });
  };

  return {
    start: () => {
      for (const timer of functions) {
        timer.schedule.schedule(() => tick(timer));
        timer.schedule.resume();
        if (timer.runOnStartup) tick(timer);
      }
    },
    run: (name) => {
      const timer = functions.find((candidate) => compareNames(candidate.name, name) === 0);
      if (!timer) return false;
      if (running.has(timer)) asked.add(timer);
      else tick(timer);
      return true;
    },
    stop: () => {
      for (const timer of functions) timer.schedule.stop();
      asked.clear();
    },
  };
}

/** What a timer function gets, with the host's capital letters. */
function describeRun(schedule: Cron): object {
  const now = new Date().toISOString();
  return {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: {
      Last: (schedule.previousRun() ?? new Date(0)).toISOString(),
      Next: schedule.nextRun()?.toISOString() ?? now,
      LastUpdated: now,
    },
    IsPastDue: false,
  };
}
