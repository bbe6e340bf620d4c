// Rules about service: requests end, and after a fault the broker serves again.

import { largest } from '../../bench/statistics';
import type { Call, HistoryEvent, Probed, Struck } from '../history';
import type { HistoryIndex } from '../history-index';
import { instant } from '../verdict';

/** Any request ends within this, less what it was asked to wait and what its instance was frozen. Unit: ms. */
export const deadlineMs = 40_000;
/** A leader's death is to be over after 12 s; twice that fails, so that a busy machine does not. Unit: ms. */
export const recoveryTargetMs = 12_000;
const recoveryLimitMs = 2 * recoveryTargetMs;

/** No request hangs longer than its deadline. */
export function answeredInTime({ history }: HistoryIndex): readonly string[] {
  const frozen = freezes(history.events);
  return history.events
    .filter(isCall)
    .map((call) => ({ call, tookMs: ownTime(call, frozen) }))
    .filter(({ tookMs }) => tookMs > deadlineMs)
    .map(
      ({ call, tookMs }) =>
        `a request (${call.kind}) of ${instant(call.startedAt)} took ${(tookMs / 1_000).toFixed(1)} s`,
    );
}

/** Faults of the stores are answered as what they are: 503, never 500. */
export function noInternalError({ history }: HistoryIndex): readonly string[] {
  return history.events
    .filter(isCall)
    .filter(({ status }) => status === 500)
    .map((call) => `a request (${call.kind}) of ${instant(call.startedAt)} was answered 500`);
}

/** After a fault each instance serves again soon. */
export function servesAgain({ history }: HistoryIndex): readonly string[] {
  return recoveries(history.events)
    .filter(({ tookMs }) => tookMs > recoveryLimitMs)
    .map(
      ({ instance, after, tookMs }) =>
        `instance ${instance} served again ${Number.isFinite(tookMs) ? `${(tookMs / 1_000).toFixed(1)} s after` : 'never after'} ${after.map(({ fault }) => fault).join(' and ')} could be borne (${instant(endOf(after))})`,
    );
}

export interface Recovery {
  readonly instance: number;
  /** Faults that came over each other. */
  readonly after: readonly Struck[];
  /** From when they could be borne until a request that began after the fault was answered. Unit: ms. */
  readonly tookMs: number;
}

/** How long each instance took to serve after each fault, or faults that came over each other. */
export function recoveries(events: readonly HistoryEvent[]): readonly Recovery[] {
  const all = events.filter((event): event is Probed => event.kind === 'probed');
  const probes = all.filter(({ served }) => served);
  const lastProbeAt = largest(
    all.map(({ endedAt }) => endedAt),
    0,
  );
  const groups = together(events.filter((event): event is Struck => event.kind === 'struck'));
  return [0, 1].flatMap((instance) =>
    groups.flatMap((after, index) => {
      const end = endOf(after);
      const beganAt = after[0]?.from ?? 0;
      const served = probes.filter(
        (probe) => probe.instance === instance && probe.startedAt >= beganAt && probe.endedAt >= end,
      );
      const servedAt = served.reduce((least, { endedAt }) => Math.min(least, endedAt), Infinity);
      const nextFrom = groups[index + 1]?.[0]?.from ?? lastProbeAt;
      // Before it could serve, the next fault came: nothing is known.
      if (servedAt > nextFrom && nextFrom - end < recoveryLimitMs) return [];
      return [{ instance, after, tookMs: servedAt - end }];
    }),
  );
}

const endOf = (faults: readonly Struck[]): number =>
  Math.max(...faults.map(({ bearableFrom }) => bearableFrom));

/** Faults in groups of those that overlap, in order. */
function together(faults: readonly Struck[]): readonly (readonly Struck[])[] {
  const groups: Struck[][] = [];
  for (const fault of faults.toSorted((one, other) => one.from - other.from)) {
    const group = groups.at(-1);
    if (group && fault.from <= Math.max(...group.map(({ until }) => until))) group.push(fault);
    else groups.push([fault]);
  }
  return groups;
}

type CallEvent = Extract<HistoryEvent, Call>;

export const isCall = (event: HistoryEvent): event is CallEvent => 'startedAt' in event;

export const freezes = (events: readonly HistoryEvent[]): readonly Struck[] =>
  events.filter((event): event is Struck => event.kind === 'struck' && event.fault === 'instance-frozen');

/** What a request took, less what it was asked to wait and what its instance could not do a thing. Unit: ms. */
export function ownTime(call: Call, frozen: readonly Struck[]): number {
  const frozenMs = frozen
    .filter(({ target }) => target === call.instance)
    .map(({ from, until }) => Math.min(call.endedAt, until) - Math.max(call.startedAt, from))
    .reduce((sum, ms) => sum + Math.max(0, ms), 0);
  return call.endedAt - call.startedAt - (call.waitMs ?? 0) - frozenMs;
}
