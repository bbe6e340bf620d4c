// What the holder of a lease does to a cursor: acknowledge, release, reject, renew; and withdraw, by the broker itself.
// Each changes the one entry whose grant it names, while the lease lasts, and nothing else. Pure.

import { type Cursor, cursorLimits, dropSettled } from './cursor';
import type { PendingEntry } from './pending-list';

export type LeaseAction =
  | { readonly kind: 'acknowledge' }
  /** @param delayMs until then nobody gets the message */
  | { readonly kind: 'release'; readonly delayMs: number }
  | { readonly kind: 'reject'; readonly reason: string }
  /** @param leaseMs from now on */
  | { readonly kind: 'renew'; readonly leaseMs: number }
  /** Nobody was given the lease: as if it had never been, the delivery does not count. */
  | { readonly kind: 'withdraw' };

/** Names a lease. */
export interface LeaseName {
  readonly seq: number;
  readonly grant: number;
}

/** Why a lease could not be settled; nothing has changed then. */
export type LeaseFailure =
  /** The lease has ended by its time. */
  | 'lease-expired'
  /** It was given back, or the message is leased anew. */
  | 'lease-lost'
  /** Acknowledged already, ended, or passed by a seek. */
  | 'message-settled'
  | 'dead-letters-full';

export interface SettleOutcome {
  /** For each lease that was settled its entry as it was. */
  readonly settled: ReadonlyMap<LeaseName, PendingEntry>;
  readonly failed: ReadonlyMap<LeaseName, LeaseFailure>;
}

/** @param leases without repeats */
export function settle(
  before: Cursor,
  action: LeaseAction,
  leases: readonly LeaseName[],
  nowMs: number,
): { readonly cursor: Cursor; readonly outcome: SettleOutcome } {
  const cursor = dropSettled(before, nowMs);
  const settled = new Map<LeaseName, PendingEntry>();
  const failed = new Map<LeaseName, LeaseFailure>();
  const changed: PendingEntry[] = [];
  const removed = new Set<number>();
  let room = action.kind === 'reject' ? cursorLimits.dead - cursor.pending.deadCount() : 0;
  for (const lease of leases) {
    const entry = cursor.pending.get(lease.seq);
    const failure = failureOf(entry, lease, nowMs);
    if (failure || !entry) {
      failed.set(lease, failure ?? 'message-settled');
    } else if (action.kind === 'acknowledge') {
      removed.add(lease.seq);
      settled.set(lease, entry);
    } else if (action.kind === 'reject' && room-- <= 0) {
      failed.set(lease, 'dead-letters-full');
    } else {
      changed.push({ ...entry, ...changeOf(action, entry, nowMs) });
      settled.set(lease, entry);
    }
  }
  const pending = cursor.pending.without(removed).replacing(changed);
  return {
    cursor: pending === cursor.pending ? before : { ...cursor, pending },
    outcome: { settled, failed },
  };
}

function failureOf(
  entry: PendingEntry | undefined,
  { grant }: LeaseName,
  nowMs: number,
): LeaseFailure | undefined {
  if (!entry) return 'message-settled';
  if (entry.grant !== grant || grant === 0) return 'lease-lost';
  return entry.leaseUntilMs <= nowMs ? 'lease-expired' : undefined;
}

/** What the action changes in an entry. */
function changeOf(
  action: Exclude<LeaseAction, { readonly kind: 'acknowledge' }>,
  entry: PendingEntry,
  nowMs: number,
): Partial<PendingEntry> {
  switch (action.kind) {
    case 'release':
      return { grant: 0, leaseUntilMs: action.delayMs > 0 ? Math.floor(nowMs + action.delayMs) : 0 };
    case 'reject':
      return { grant: 0, leaseUntilMs: 0, dead: { reason: action.reason, atMs: Math.floor(nowMs) } };
    case 'withdraw':
      return { grant: 0, leaseUntilMs: 0, deliveries: entry.deliveries - 1 };
    case 'renew':
      return { leaseUntilMs: Math.floor(Math.min(nowMs + action.leaseMs, entry.endsAtSeconds * 1_000)) };
  }
}
