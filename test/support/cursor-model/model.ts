// The reference of the cursor's model test: it remembers every message by name, naively, and says what each fetch may
// and must return.

import { expect } from '@jest/globals';
import type fc from 'fast-check';
import { type Filter, seek, type SeekTarget } from '../../../shared/messages/cursor';
import type { StoredMessage } from '../../../shared/messages/message-log';
import { MailboxReader } from '../../../shared/messages/reader';
import { type LeasedMessage, Receiver } from '../../../shared/messages/receiver';
import { LaggingLog, newWorld, RecordStore, type World } from '../cursor-world';

export const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
export const clientId = 'model';
export const cursorName = { mailbox, clientId, from: '' } as const;
export const longestLifeMs = 100_000;
/** Leases of one message; then it is a dead letter. */
export const maxDeliveries = 3;

export interface Lease {
  readonly seq: number;
  readonly grant: number;
}

export interface Model {
  /** Messages behind the place of the last seek: they do not exist for the cursor. */
  isSkipped: (message: StoredMessage) => boolean;
  /** Since the last seek: what was acknowledged, and what was ever returned. */
  readonly acknowledged: Set<number>;
  readonly delivered: Set<number>;
  /** Until when nobody else gets a message, and by which lease (0: a delay). */
  readonly held: Map<number, { readonly grant: number; readonly untilMs: number }>;
  readonly deliveries: Map<number, number>;
  readonly dead: Set<number>;
  /** Every lease that was ever given. */
  readonly leases: Lease[];
}

export interface Real {
  readonly world: World;
  readonly log: LaggingLog;
  readonly store: RecordStore;
  readonly reader: MailboxReader;
  /** Two instances. */
  readonly receivers: readonly [Receiver, Receiver];
}

export type Command = fc.AsyncCommand<Model, Real>;

export function newModel(): Model {
  return {
    isSkipped: () => false,
    acknowledged: new Set(),
    delivered: new Set(),
    held: new Map(),
    deliveries: new Map(),
    dead: new Set(),
    leases: [],
  };
}

export function newReal(): Real {
  const world = newWorld();
  const log = new LaggingLog(world);
  const store = new RecordStore(world);
  const memoryMs = (): number => longestLifeMs + 5_000;
  const newReceiver = (): Receiver => new Receiver(log, store, memoryMs, () => undefined);
  return {
    world,
    log,
    store,
    reader: new MailboxReader(log, store, memoryMs),
    receivers: [newReceiver(), newReceiver()],
  };
}

function matching({ topics, senders }: Filter, { topic, sender }: StoredMessage): boolean {
  return (topics?.includes(topic) ?? true) && (senders?.includes(sender) ?? true);
}

export const hasEnded = ({ world, log }: Real, seq: number): boolean => {
  const message = log.messages.find((stored) => stored.seq === seq);
  return !message || message.endsAtMs <= world.nowMs;
};

/** What a search with this filter must return in the end, oldest first. */
export function unread({ world, log }: Real, model: Model, filter: Filter): readonly number[] {
  return log.messages
    .filter((message) => message.endsAtMs > world.nowMs && matching(filter, message))
    .filter((message) => !model.isSkipped(message))
    .filter(({ seq }) => !model.acknowledged.has(seq) && !model.dead.has(seq))
    .map(({ seq }) => seq);
}

/** What a receive with this filter must lease in the end, oldest first. */
export function available(real: Real, model: Model, filter: Filter): readonly number[] {
  return unread(real, model, filter).filter(
    (seq) =>
      (model.held.get(seq)?.untilMs ?? 0) <= real.world.nowMs &&
      (model.deliveries.get(seq) ?? 0) < maxDeliveries,
  );
}

/** A receive makes dead letters of messages whose last lease has ended. */
export function bury(real: Real, model: Model): void {
  for (const [seq, deliveries] of model.deliveries) {
    const isFree = (model.held.get(seq)?.untilMs ?? 0) <= real.world.nowMs;
    if (deliveries < maxDeliveries || !isFree) continue;
    if (!model.acknowledged.has(seq) && !hasEnded(real, seq)) model.dead.add(seq);
  }
}

export async function search(real: Real, filter: Filter, amount: number): Promise<readonly number[]> {
  const found = await real.reader.search({ mailbox, clientId, from: undefined, filter, amount });
  return found.map(({ seq }) => seq);
}

export interface Order {
  readonly filter: Filter;
  readonly max: number;
  readonly leaseMs: number;
  readonly instance: 0 | 1;
  /** It has heard of an arrival, and its instance saw the record this many versions ago; null: it has not. */
  readonly knownAge: number | null;
}

export async function receive(real: Real, order: Order): Promise<readonly LeasedMessage[]> {
  const { filter, max, leaseMs, instance, knownAge } = order;
  const arrived = new Set(knownAge === null ? [] : ['t0']);
  if (knownAge !== null) real.world.ages.push(knownAge);
  const request = { mailbox, clientId, from: undefined, filter, max, leaseMs, maxDeliveries, arrived };
  return (await real.receivers[instance].receive(request)).messages;
}

/** What holds for every list of sequences that a fetch returns, however far behind the replicas were. */
export function requireSound(seqs: readonly number[], allowed: ReadonlySet<number>, amount: number): void {
  expect(seqs.filter((seq) => !allowed.has(seq))).toEqual([]);
  expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
  expect(seqs.length).toBeLessThanOrEqual(amount);
}

/** Notes leases that were given. */
export function noteLeases(model: Model, leased: readonly LeasedMessage[]): void {
  for (const { seq, grant, deliveries, leaseUntilMs } of leased) {
    expect(deliveries).toBe((model.deliveries.get(seq) ?? 0) + 1);
    expect(model.leases.some((lease) => lease.seq === seq && lease.grant === grant)).toBe(false);
    model.delivered.add(seq);
    model.deliveries.set(seq, deliveries);
    model.held.set(seq, { grant, untilMs: leaseUntilMs });
    model.leases.push({ seq, grant });
  }
}

/** Moves the cursor, and lets the model forget what a seek makes it forget. */
export async function seekTo(real: Real, model: Model, place: SeekPlace): Promise<void> {
  const target = await targetOf(real, place);
  await real.store.update(cursorName, (cursor) => ({
    cursor: seek(cursor, target, -Infinity),
    outcome: undefined,
  }));
  model.isSkipped = ({ seq, timeMs }) => ('after' in target ? seq <= target.after : timeMs < target.fromMs);
  for (const memory of [model.acknowledged, model.delivered, model.held, model.deliveries, model.dead]) {
    memory.clear();
  }
}

/** A share of the messages that there are, in thousandths, or one of both ends. */
export type SeekPlace = 'beginning' | 'end' | number;

async function targetOf({ log }: Real, place: SeekPlace): Promise<SeekTarget> {
  if (place === 'beginning') return { after: 0 };
  if (place === 'end') return { after: await log.lastSeq(mailbox, { topic: null, sender: null }) };
  const at = log.messages[Math.floor((place * log.messages.length) / 1_000)];
  return at ? { fromMs: at.timeMs } : { after: 0 };
}

/** Runs tasks whose every step waits for its turn; `order` says, one by one, who of the waiting goes on. */
export async function interleaved<T>(
  world: World,
  order: readonly number[],
  tasks: readonly (() => Promise<T>)[],
): Promise<readonly T[]> {
  const waiting: (() => void)[] = [];
  world.yield = () => new Promise((resolve) => waiting.push(resolve));
  let running = tasks.length;
  const results = Promise.all(tasks.map((task) => task().finally(() => running--)));
  results.catch(() => undefined);
  for (let turn = 0; running > 0; turn++) {
    const [next] = waiting.splice((order[turn % order.length] ?? 0) % Math.max(1, waiting.length), 1);
    next?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  world.yield = () => Promise.resolve();
  return results;
}

/** Members of a list by shares of its length, in thousandths, each once. */
export function picked<T>(list: readonly T[], picks: readonly number[]): readonly T[] {
  const indexes = new Set(picks.map((pick) => Math.floor((pick * list.length) / 1_000)));
  return [...indexes].flatMap((index) => list[index] ?? []);
}
