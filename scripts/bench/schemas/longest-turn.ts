// How long the event loop was kept at the longest: processor time of this thread between two ticks of a timer. Time
// in which the machine let others work does not count, so it is the same on a busy machine.

import { setTimeout as delay } from 'node:timers/promises';
import { collectGarbage } from '../collect-garbage';

/** Time from one tick to the next. Unit: ms. */
const tickMs = 1;

/**
 * The longest turn while something is done. What is garbage before is collected before: to collect all that a long-lived
 * process has left can take two hundred milliseconds.
 * @returns what came of it, and the turn in ms
 */
export async function longestTurnOf<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly longestMs: number }> {
  collectGarbage();
  let last = threadMilliseconds();
  let longestMs = 0;
  const tick = () => {
    const now = threadMilliseconds();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  };
  const ticks = setInterval(tick, tickMs);
  try {
    // There has to be a tick before and one after.
    await delay(2 * tickMs);
    longestMs = 0;
    const result = await work();
    await delay(2 * tickMs);
    tick();
    return { result, longestMs };
  } finally {
    clearInterval(ticks);
  }
}

function threadMilliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
