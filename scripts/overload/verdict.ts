// What an overload run shows of each second-by-second outcome, and the verdict. Pure.

import { largest, quantile } from '../bench/statistics';
import type { Outcome } from './requests';

export interface OverloadSummary {
  readonly offered: number;
  readonly accepted: number;
  readonly shed: number;
  /** Answered with anything but 200 and 503 with Retry-After, or not at all. */
  readonly other: number;
  readonly acceptedPerSecond: number;
  /** Of the accepted ones. Unit: ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  /** Since the beginning, when the first was shed; undefined: none was. Unit: s. */
  readonly firstShedAfterSeconds: number | undefined;
  /** Of acknowledgements, the share that was accepted. */
  readonly acknowledgedShare: number;
}

/** What is accepted is answered within this: less than a gateway's 60 s. Unit: ms. */
const deadlineMs = 45_000;
/** Accepted a second, of what is sustainable: refusing costs too. */
const leastShare = 0.4;

export function summarize(outcomes: readonly Outcome[], beganAt: number): OverloadSummary {
  const accepted = outcomes.filter(({ status }) => status === 200);
  const shed = outcomes.filter(({ status, hasRetryAfter }) => status === 503 && hasRetryAfter);
  const took = Float64Array.from(accepted, ({ startedAt, endedAt }) => endedAt - startedAt).sort();
  const lastAt = largest(
    outcomes.map(({ endedAt }) => endedAt),
    beganAt,
  );
  const acknowledgements = outcomes.filter(({ what }) => what === 'acknowledge');
  return {
    offered: outcomes.length,
    accepted: accepted.length,
    shed: shed.length,
    other: outcomes.length - accepted.length - shed.length,
    acceptedPerSecond: accepted.length / Math.max(0.001, (lastAt - beganAt) / 1_000),
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
    mostMs: took.at(-1) ?? 0,
    firstShedAfterSeconds:
      shed.length === 0
        ? undefined
        : shed.reduce((least, { endedAt }) => Math.min(least, (endedAt - beganAt) / 1_000), Infinity),
    acknowledgedShare:
      acknowledgements.filter(({ status }) => status === 200).length / Math.max(1, acknowledgements.length),
  };
}

/** @param missing what was answered SENT and is not there */
export function faultsOf(
  { accepted, other, acceptedPerSecond, mostMs }: OverloadSummary,
  sustainablePerSecond: number,
  missing: number,
): readonly string[] {
  const faults: string[] = [];
  if (accepted === 0) faults.push('nothing was accepted');
  if (other > 0) faults.push(`${other} requests were neither accepted nor told when to come again`);
  if (mostMs > deadlineMs) faults.push(`an accepted request took ${(mostMs / 1_000).toFixed(1)} s`);
  if (acceptedPerSecond < leastShare * sustainablePerSecond)
    faults.push(`only ${acceptedPerSecond.toFixed(0)} requests a second were accepted`);
  if (missing > 0) faults.push(`${missing} messages answered SENT are missing`);
  return faults;
}
