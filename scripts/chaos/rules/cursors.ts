// Rules about cursors: an acknowledgement is final, and a lease is one worker's alone.

import type { Settled } from '../history';
import type { CursorView, Delivery, HistoryIndex } from '../history-index';
import { clockToleranceMs, instant } from '../verdict';

/** Nothing is delivered again by a fetch that began after its acknowledgement was confirmed. */
export function finalAcknowledgement({ cursors }: HistoryIndex): readonly string[] {
  return [...cursors.values()].flatMap(({ name, deliveries, acknowledgements }) =>
    [...deliveries].flatMap(([id, all]) => {
      const confirmed = (acknowledgements.get(id) ?? []).filter(({ isConfirmed }) => isConfirmed);
      const confirmedAt = Math.min(...confirmed.map(({ call }) => call.endedAt));
      const again = all.find(({ fetch }) => fetch.startedAt > confirmedAt);
      return again
        ? [
            `${name} got ${id} by a ${again.fetch.kind} of ${instant(again.fetch.startedAt)}; acknowledged by ${instant(confirmedAt)}`,
          ]
        : [];
    }),
  );
}

interface Hold {
  readonly token: string;
  /** When it was granted, or the latest that it can have been. Server time. */
  readonly from: number;
  /** Until then it was held for certain: not given back by anybody, not ended. */
  readonly heldUntil: number;
  /** Until then it may have been held. */
  readonly maybeUntil: number;
}

/** No two workers hold one message, and no lease is settled that had ended or passed to another. */
export function oneHolder({ cursors }: HistoryIndex): readonly string[] {
  return [...cursors.values()].flatMap((cursor) =>
    [...cursor.deliveries].flatMap(([id, deliveries]) => {
      const holds = deliveries
        .flatMap((delivery) => holdOf(delivery, cursor) ?? [])
        .sort((one, other) => one.from - other.from);
      return holds.flatMap((hold, index) => {
        const next = holds[index + 1];
        const faults: string[] = [];
        if (next && next.from + clockToleranceMs < hold.heldUntil) {
          faults.push(
            `${id} on ${cursor.name} was leased at ${instant(hold.from)} until ${instant(hold.heldUntil)}, and again at ${instant(next.from)}`,
          );
        }
        const endedBy = Math.min(hold.maybeUntil, next?.from ?? Infinity);
        const late = (cursor.settlements.get(hold.token) ?? []).find(
          (call) => call.succeeded.includes(hold.token) && call.startedAt > endedBy + clockToleranceMs,
        );
        if (late) {
          faults.push(
            `the lease of ${id} on ${cursor.name} had ended by ${instant(endedBy)}, and was settled (${late.action}) at ${instant(late.startedAt)}`,
          );
        }
        return faults;
      });
    }),
  );
}

function holdOf({ message, fetch }: Delivery, cursor: CursorView): Hold | undefined {
  const { lease, messageId } = message;
  if (!lease || fetch.kind !== 'received') return undefined;
  const settlements = cursor.settlements.get(lease.token) ?? [];
  const isDone = (call: Settled): boolean => call.succeeded.includes(lease.token);
  // A call without an answer may have been carried out.
  const mayBeDone = (call: Settled): boolean => isDone(call) || call.status !== 200;
  const renewals = settlements.filter(({ action }) => action === 'renew');
  const ends = [
    ...settlements.filter((call) => call.action !== 'renew' && mayBeDone(call)),
    ...(cursor.acknowledgements.get(messageId) ?? [])
      .filter(({ call, isConfirmed }) => isConfirmed || call.status !== 200)
      .map(({ call }) => call),
  ];
  // A lease ends with its message: then its end does not tell when it was granted.
  const grantedAt = lease.expiresAt - fetch.leaseMs;
  // A renewal is decided somewhere between its request and its answer. None in a plan makes a lease shorter.
  const renewed = renewals.filter(isDone).map(({ startedAt, leaseMs }) => startedAt + leaseMs);
  const maybeRenewed = renewals.filter(mayBeDone).map(({ endedAt, leaseMs }) => endedAt + leaseMs);
  return {
    token: lease.token,
    from: grantedAt < fetch.startedAt - clockToleranceMs ? fetch.endedAt : grantedAt,
    heldUntil: Math.min(Math.max(lease.expiresAt, ...renewed), ...ends.map(({ startedAt }) => startedAt)),
    maybeUntil: Math.max(lease.expiresAt, ...maybeRenewed),
  };
}
