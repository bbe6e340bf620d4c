// Steps of the cursor's model test: publishing, searching, acknowledging by id, time passing, and several at once.

import { expect } from '@jest/globals';
import { cursorLimits, type Filter } from '../../../shared/messages/cursor';
import type { LeasedMessage } from '../../../shared/messages/receiver';
import {
  available,
  bury,
  clientId,
  type Command,
  hasEnded,
  interleaved,
  mailbox,
  type Model,
  noteLeases,
  type Order,
  picked,
  type Real,
  receive,
  requireSound,
  search,
  seekTo,
  type SeekPlace,
  unread,
} from './model';

export const always = { check: () => true };
const everything: Filter = { topics: null, senders: null };

export class Publish implements Command {
  readonly check = always.check;

  constructor(
    readonly burst: readonly { topic: number; sender: number; lifeMs: number; gap: number }[],
    readonly repeat: number,
  ) {}

  run(_model: Model, { log }: Real): Promise<void> {
    for (let turn = 0; turn < this.repeat; turn++) {
      for (const { topic, sender, lifeMs, gap } of this.burst)
        log.store(`t${topic}`, `s${sender}`, lifeMs, gap);
    }
    return Promise.resolve();
  }

  toString(): string {
    return `publish ${this.repeat} × ${JSON.stringify(this.burst)}`;
  }
}

export class Search implements Command {
  readonly check = always.check;

  constructor(
    readonly filter: Filter,
    readonly amount: number,
    readonly lags: readonly number[],
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    real.world.lags = [...this.lags];
    const seqs = await search(real, this.filter, this.amount);
    real.world.lags = [];
    const expected = unread(real, model, this.filter);
    requireSound(seqs, new Set(expected), this.amount);
    for (const seq of seqs) model.delivered.add(seq);
    // With replicas that are up to date, the answer is exactly the oldest that are not acknowledged.
    if (!this.lags.some((lag) => lag > 0)) expect(seqs).toEqual(expected.slice(0, this.amount));
  }

  toString(): string {
    return `search ${JSON.stringify(this.filter)} ${this.amount} lags ${this.lags.join()}`;
  }
}

export class Acknowledge implements Command {
  readonly check = always.check;

  /** @param picks positions, in thousandths, among all messages that were ever stored */
  constructor(
    readonly picks: readonly number[],
    readonly onlyDelivered: boolean,
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const from = this.onlyDelivered ? [...model.delivered] : real.log.messages.map(({ seq }) => seq);
    const seqs = picked(from, this.picks);
    if (!seqs.length) return;
    const acknowledged = await real.reader.acknowledge({ mailbox, clientId, from: undefined, seqs });
    for (const seq of seqs) {
      expect({ seq, acknowledged: acknowledged.has(seq) }).toEqual({
        seq,
        acknowledged: hasEnded(real, seq) || model.delivered.has(seq),
      });
      noteAcknowledged(model, acknowledged, [seq]);
    }
  }

  toString(): string {
    return `acknowledge ${this.onlyDelivered ? 'delivered' : 'any'} ${this.picks.join()}`;
  }
}

/** A dead letter that is acknowledged is none any more. */
function noteAcknowledged(model: Model, acknowledged: ReadonlySet<number>, seqs: readonly number[]): void {
  for (const seq of seqs) {
    if (!acknowledged.has(seq)) continue;
    model.acknowledged.add(seq);
    model.dead.delete(seq);
  }
}

export class Wait implements Command {
  readonly check = always.check;

  constructor(
    readonly ms: number,
    readonly trim: boolean,
  ) {}

  run(_model: Model, { world, log }: Real): Promise<void> {
    world.nowMs += this.ms;
    if (this.trim) log.trim();
    return Promise.resolve();
  }

  toString(): string {
    return `wait ${this.ms} ms${this.trim ? ', trim' : ''}`;
  }
}

/** Several readers at once, whose steps interleave in an order that the seed chooses. */
export class AtOnce implements Command {
  readonly check = always.check;

  constructor(
    readonly searches: readonly { filter: Filter; amount: number }[],
    readonly orders: readonly Order[],
    readonly picks: readonly number[],
    readonly order: readonly number[],
    readonly lags: readonly number[],
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const allowed = this.searches.map(({ filter }) => new Set(unread(real, model, filter)));
    const leasable = this.orders.map(({ filter }) => new Set(available(real, model, filter)));
    const toAcknowledge = picked([...model.delivered], this.picks);
    const found: (readonly number[])[] = [];
    const leased: (readonly LeasedMessage[])[] = [];
    real.world.lags = [...this.lags];
    await interleaved(real.world, this.order, [
      ...this.searches.map(({ filter, amount }, index) => async () => {
        found[index] = await search(real, filter, amount);
      }),
      ...this.orders.map((order, index) => async () => {
        leased[index] = await receive(real, order);
      }),
      async () => {
        if (!toAcknowledge.length) return;
        const request = { mailbox, clientId, from: undefined, seqs: toAcknowledge };
        noteAcknowledged(model, await real.reader.acknowledge(request), toAcknowledge);
      },
    ]);
    real.world.lags = [];
    // Nothing comes back that had been acknowledged before any of them began, and nobody shares a lease.
    this.searches.forEach(({ amount }, index) => {
      requireSound(found[index] ?? [], allowed[index] ?? new Set(), amount);
      for (const seq of found[index] ?? []) model.delivered.add(seq);
    });
    const all = leased.flat().map(({ seq }) => seq);
    expect(all).toHaveLength(new Set(all).size);
    this.orders.forEach(({ max }, index) => {
      const seqs = (leased[index] ?? []).map(({ seq }) => seq);
      requireSound(seqs, leasable[index] ?? new Set(), max);
    });
    if (this.orders.length) bury(real, model);
    noteLeases(model, leased.flat());
  }

  toString(): string {
    return `at once ${JSON.stringify(this.searches)} receive ${JSON.stringify(this.orders)} ack ${this.picks.join()} order ${this.order.join()}`;
  }
}

/** Searches while somebody else seeks: whoever read for the old place must not move the new one. */
export class SeekAtOnce implements Command {
  readonly check = always.check;

  constructor(
    readonly searches: readonly { filter: Filter; amount: number }[],
    readonly place: SeekPlace,
    readonly order: readonly number[],
    readonly lags: readonly number[],
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    real.world.lags = [...this.lags];
    await interleaved(real.world, this.order, [
      ...this.searches.map(({ filter, amount }) => async () => {
        await search(real, filter, amount);
      }),
      () => seekTo(real, model, this.place),
    ]);
    real.world.lags = [];
    // Nobody acknowledges meanwhile, so everything behind the new place is there.
    const expected = unread(real, model, everything);
    const seqs = await search(real, everything, cursorLimits.pending);
    expect(seqs).toEqual(expected);
    for (const seq of seqs) model.delivered.add(seq);
  }

  toString(): string {
    return `seek ${this.place} during ${JSON.stringify(this.searches)} order ${this.order.join()} lags ${this.lags.join()}`;
  }
}
