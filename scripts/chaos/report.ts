// What a chaos run prints: one line of figures and the verdict, and a line for each violation.

import { largest } from '../bench/statistics';
import type { History, HistoryEvent } from './history';
import type { Plan } from './plan';
import { freezes, isCall, ownTime, recoveries, recoveryTargetMs } from './rules/service';
import type { Violation } from './verdict';

export function reportLine(
  { seed, store, seconds, faults }: Plan,
  { events, publications, drained }: History,
  violations: readonly Violation[],
): string {
  const calls = events.filter(isCall);
  const frozen = freezes(events);
  const slowestMs = largest(
    calls.map((call) => ownTime(call, frozen)),
    0,
  );
  const took = recoveries(events).map(({ tookMs }) => tookMs);
  const longestMs = largest(took, 0);
  const failed = calls.filter(({ status }) => status !== 200).length;
  return [
    `seed ${seed} on a ${store} for ${seconds} s`,
    `${publications.length} publications to ${drained.size} cursors`,
    `${deliveriesOf(events)} deliveries`,
    `${calls.length} calls, ${failed} of them without a good answer`,
    `${faults.length} faults`,
    `slowest call ${inSeconds(slowestMs)}`,
    `service again after at most ${inSeconds(longestMs)}${longestMs > recoveryTargetMs ? ' (over 12 s)' : ''}`,
    violations.length === 0 ? 'passed' : `${violations.length} violations: FAILED`,
  ].join(', ');
}

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

function deliveriesOf(events: readonly HistoryEvent[]): number {
  return events.reduce((sum, event) => sum + ('messages' in event ? event.messages.length : 0), 0);
}
