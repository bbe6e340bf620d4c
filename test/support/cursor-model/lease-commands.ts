// Steps of the cursor's model test that lease: receive, settle by grant, seek, and looking after dead letters.

import { expect } from '@jest/globals';
import {
  deadLetters,
  type LeaseAction,
  type LeaseFailure,
  redrive,
  removeDeadLetters,
  settle,
} from '../../../shared/messages/cursor';
import { always } from './commands';
import {
  available,
  bury,
  type Command,
  cursorName,
  hasEnded,
  type Lease,
  type Model,
  noteLeases,
  type Order,
  picked,
  type Real,
  receive,
  requireSound,
  seekTo,
  type SeekPlace,
} from './model';

export class Receive implements Command {
  readonly check = always.check;

  constructor(
    readonly order: Order,
    readonly lags: readonly number[],
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const expected = available(real, model, this.order.filter);
    real.world.lags = [...this.lags];
    const leased = await receive(real, this.order);
    real.world.lags = [];
    const seqs = leased.map(({ seq }) => seq);
    requireSound(seqs, new Set(expected), this.order.max);
    if (!this.lags.some((lag) => lag > 0)) expect(seqs).toEqual(expected.slice(0, this.order.max));
    bury(real, model);
    noteLeases(model, leased);
  }

  toString(): string {
    return `receive ${JSON.stringify(this.order)} lags ${this.lags.join()}`;
  }
}

/** Settles some of all leases that were ever given, most of them lost long ago. */
export class Settle implements Command {
  readonly check = always.check;

  /** @param newest among the last so many leases only */
  constructor(
    readonly action: LeaseAction,
    readonly picks: readonly number[],
    readonly newest: number,
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const leases = picked(model.leases.slice(-this.newest), this.picks);
    const { settled, failed } = await real.store.update(cursorName, (cursor, nowMs) =>
      settle(cursor, this.action, leases, nowMs),
    );
    // Of two leases of one message, in one call, each is judged by what was before the call.
    const expected = leases.map((lease) => failureOf(real, model, lease));
    for (const [index, lease] of leases.entries()) {
      expect(settled.has(lease)).toBe(!failed.has(lease));
      // A lease ends with its message, or within its last second: then either is right.
      if (!hasEnded(real, lease.seq)) {
        expect({ lease, failure: failed.get(lease) }).toEqual({ lease, failure: expected[index] });
      }
    }
    for (const lease of settled.keys()) this.#note(model, real, lease);
  }

  #note(model: Model, { world, log }: Real, { seq, grant }: Lease): void {
    const { action } = this;
    model.held.delete(seq);
    if (action.kind === 'acknowledge') model.acknowledged.add(seq);
    if (action.kind === 'reject') model.dead.add(seq);
    if (action.kind === 'withdraw') model.deliveries.set(seq, (model.deliveries.get(seq) ?? 0) - 1);
    if (action.kind === 'release' && action.delayMs > 0) {
      model.held.set(seq, { grant: 0, untilMs: world.nowMs + action.delayMs });
    }
    if (action.kind === 'renew') {
      const endsAtMs = log.messages.find((message) => message.seq === seq)?.endsAtMs ?? 0;
      const untilMs = Math.min(world.nowMs + action.leaseMs, Math.ceil(endsAtMs / 1_000) * 1_000);
      model.held.set(seq, { grant, untilMs });
    }
  }

  toString(): string {
    return `${this.action.kind} ${JSON.stringify(this.action)} of ${this.picks.join()} among ${this.newest}`;
  }
}

function failureOf({ world }: Real, model: Model, { seq, grant }: Lease): LeaseFailure | undefined {
  if (!model.delivered.has(seq) || model.acknowledged.has(seq)) return 'message-settled';
  const held = model.held.get(seq);
  if (model.dead.has(seq) || held?.grant !== grant) return 'lease-lost';
  return held.untilMs <= world.nowMs ? 'lease-expired' : undefined;
}

export class Seek implements Command {
  readonly check = always.check;

  constructor(readonly place: SeekPlace) {}

  run(model: Model, real: Real): Promise<void> {
    return seekTo(real, model, this.place);
  }

  toString(): string {
    return `seek ${this.place}`;
  }
}

/** Redrives or deletes some dead letters, or all. */
export class LookAfterDead implements Command {
  readonly check = always.check;

  constructor(
    readonly picks: readonly number[] | null,
    readonly deletes: boolean,
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const listed = await requireDead(real, model);
    const chosen = this.picks ? new Set(picked([...listed, 999_999], this.picks)) : null;
    const change = this.deletes ? removeDeadLetters : redrive;
    const changed = await real.store.update(cursorName, (cursor, nowMs) => change(cursor, chosen, nowMs));
    const met = changed.map(({ seq }) => seq);
    expect(met).toEqual(listed.filter((seq) => chosen?.has(seq) ?? true));
    for (const seq of met) {
      model.dead.delete(seq);
      model.held.delete(seq);
      if (this.deletes) model.acknowledged.add(seq);
      else model.deliveries.delete(seq);
    }
  }

  toString(): string {
    return `${this.deletes ? 'delete' : 'redrive'} dead letters ${this.picks?.join() ?? 'all'}`;
  }
}

/** The dead letters are those of the model. @returns them */
export async function requireDead(real: Real, model: Model): Promise<readonly number[]> {
  const { cursor, nowMs } = await real.store.load(cursorName);
  const listed = deadLetters(cursor, nowMs).map(({ seq }) => seq);
  const isLive = (seq: number): boolean => !hasEnded(real, seq);
  expect(listed.filter(isLive)).toEqual([...model.dead].filter(isLive).sort((one, other) => one - other));
  return listed;
}
