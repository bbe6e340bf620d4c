// What a receive does to a cursor: it takes messages as a search does and leases them. A lease is named by its grant,
// a number that no other lease of this cursor has, or ever had. Pure.

import { type Cursor, cursorLimits, dropSettled } from './cursor';
import type { PendingEntry } from './pending-list';
import { absorb, type Availability, type ReadMessage, type Refusal, type TakeRequest } from './take';

/** What one worker asks for. Workers that wait together are served by one change of the record. */
export interface LeaseOrder {
  /** Messages at most. */
  readonly amount: number;
  /** Unit: ms. */
  readonly leaseMs: number;
}

export interface LeaseRequest extends Omit<TakeRequest, 'amount'> {
  readonly orders: readonly LeaseOrder[];
  /** Leases of one message; after the last one it becomes a dead letter. */
  readonly maxDeliveries: number;
}

export interface Leased {
  readonly seq: number;
  readonly grant: number;
  /** This one included. */
  readonly deliveries: number;
  /** Server time, ms; not after the message's own end. */
  readonly leaseUntilMs: number;
}

export type LeaseOutcome =
  | {
      readonly kind: 'leased';
      /** For each order what it got, oldest first. */
      readonly orders: readonly (readonly Leased[])[];
      /** Messages that became dead letters, because their last lease has ended. */
      readonly buried: readonly PendingEntry[];
      /** New messages that the pending ceiling leaves: they were read, and nobody else has them. */
      readonly leftAtCeiling: number;
    }
  | Refusal;

/** Why a message is a dead letter whose last lease has ended. */
const deliveriesExceeded = 'max-deliveries';

/** A receive leases what is not leased, not delayed, not dead, and was not delivered too often. */
export function leasable(nowMs: number, maxDeliveries: number): Availability {
  return {
    chunk: (chunk) => chunk.earliestFreeMs <= nowMs,
    entry: ({ dead, leaseUntilMs, deliveries }) =>
      !dead && leaseUntilMs <= nowMs && deliveries < maxDeliveries,
  };
}

export function lease(
  before: Cursor,
  request: LeaseRequest,
  nowMs: number,
): { readonly cursor: Cursor; readonly outcome: LeaseOutcome } {
  const settled = dropSettled(before, nowMs);
  const buried = exhausted(settled, request.maxDeliveries, nowMs);
  const dead = { reason: deliveriesExceeded, atMs: nowMs };
  const cursor = buried.length
    ? withPending(
        settled,
        buried.map((entry) => ({ ...entry, grant: 0, dead })),
      )
    : settled;
  const amount = request.orders.reduce((sum, order) => sum + order.amount, 0);
  const free = leasable(nowMs, request.maxDeliveries);
  const absorbed = absorb(cursor, { ...request, amount }, free, nowMs);
  if (absorbed.kind !== 'absorbed') return { cursor: before, outcome: absorbed };
  const { changed, orders, lastGrant } = handOut(absorbed.cursor, absorbed.taken, request.orders, nowMs);
  const unchanged = absorbed.cursor === settled && !changed.length;
  return {
    cursor: unchanged ? before : { ...withPending(absorbed.cursor, changed), lastGrant },
    outcome: { kind: 'leased', orders, buried, leftAtCeiling: absorbed.leftAtCeiling },
  };
}

/** Entries whose last lease has ended, as far as there is room for dead letters; beyond that they wait. */
function exhausted(cursor: Cursor, maxDeliveries: number, nowMs: number): readonly PendingEntry[] {
  const found: PendingEntry[] = [];
  let room: number | undefined;
  for (const chunk of cursor.pending.chunks) {
    if (chunk.mostDeliveries < maxDeliveries || chunk.earliestFreeMs > nowMs) continue;
    room ??= cursorLimits.dead - cursor.pending.deadCount();
    for (const entry of chunk.entries) {
      if (found.length >= room) return found;
      const isLive = !entry.dead && entry.endsAtSeconds * 1_000 > nowMs;
      if (isLive && entry.deliveries >= maxDeliveries && entry.leaseUntilMs <= nowMs) found.push(entry);
    }
  }
  return found;
}

/** Serves the orders in turn, oldest messages first. */
function handOut(
  cursor: Cursor,
  taken: readonly ReadMessage[],
  orders: readonly LeaseOrder[],
  nowMs: number,
): {
  readonly changed: readonly PendingEntry[];
  readonly orders: readonly (readonly Leased[])[];
  readonly lastGrant: number;
} {
  const changed: PendingEntry[] = [];
  let { lastGrant } = cursor;
  let at = 0;
  const served = orders.map(({ amount, leaseMs }) => {
    const share = taken.slice(at, at + amount);
    at += share.length;
    if (!share.length) return [];
    // Beginning with the time: a cursor that was removed and made anew does not repeat the grants of the first one.
    lastGrant = Math.max(lastGrant + 1, Math.floor(nowMs) * grantsPerMs);
    return share.flatMap(({ seq, endsAtMs }): Leased[] => {
      const entry = cursor.pending.get(seq);
      if (!entry) return [];
      const leaseUntilMs = Math.floor(Math.min(nowMs + leaseMs, endsAtMs));
      const next = { ...entry, deliveries: entry.deliveries + 1, grant: lastGrant, leaseUntilMs };
      changed.push(next);
      return [{ seq, grant: lastGrant, deliveries: next.deliveries, leaseUntilMs }];
    });
  });
  return { changed, orders: served, lastGrant };
}

/** No cursor is written as often as this. */
const grantsPerMs = 1_000;

function withPending(cursor: Cursor, changed: readonly PendingEntry[]): Cursor {
  return changed.length ? { ...cursor, pending: cursor.pending.replacing(changed) } : cursor;
}
