// The cursor against a naive reference that remembers every message by name: random histories of publishing,
// searching with changing filters and amounts, acknowledging, expiry, concurrent readers and lagging replicas.
// CURSOR_MODEL_RUNS sets how many histories; `npm run nightly` runs 10,000.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Filter } from '../../../shared/messages/cursor';
import type { StoredMessage } from '../../../shared/messages/message-log';
import { MailboxReader } from '../../../shared/messages/reader';
import { LaggingLog, RecordStore, type World } from '../../support/cursor-world';

const runs = Number(process.env['CURSOR_MODEL_RUNS'] ?? 500);
const mailbox = { kind: 'did', identifier: 'did:ethr:volta:0x1' } as const;
const clientId = 'model';
const longestLifeMs = 100_000;
const universe = 20;

/** The reference: what was acknowledged, and what was ever returned, message by message. */
interface Model {
  readonly acknowledged: Set<number>;
  readonly delivered: Set<number>;
}

interface Real {
  readonly world: World;
  readonly log: LaggingLog;
  readonly reader: MailboxReader;
}

type Command = fc.AsyncCommand<Model, Real>;

const always = { check: () => true };

function matching({ topics, senders }: Filter, { topic, sender }: StoredMessage): boolean {
  return (topics?.includes(topic) ?? true) && (senders?.includes(sender) ?? true);
}

/** What a reader with this filter has not acknowledged, oldest first. */
function unread({ world, log }: Real, model: Model, filter: Filter): readonly number[] {
  return log.messages
    .filter((message) => message.endsAtMs > world.nowMs && matching(filter, message))
    .filter(({ seq }) => !model.acknowledged.has(seq))
    .map(({ seq }) => seq);
}

async function search(real: Real, filter: Filter, amount: number): Promise<readonly number[]> {
  const found = await real.reader.search({ mailbox, clientId, from: undefined, filter, amount });
  return found.map(({ seq }) => seq);
}

/** What holds for every answer, however far behind the replicas were. */
function requireSound(
  real: Real,
  model: Model,
  filter: Filter,
  amount: number,
  seqs: readonly number[],
): void {
  const allowed = new Set(unread(real, model, filter));
  expect(seqs.filter((seq) => !allowed.has(seq))).toEqual([]);
  expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one - other));
  expect(seqs.length).toBeLessThanOrEqual(amount);
  for (const seq of seqs) model.delivered.add(seq);
}

class Publish implements Command {
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

class Search implements Command {
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
    requireSound(real, model, this.filter, this.amount, seqs);
    // With replicas that are up to date, the answer is exactly the oldest that are not acknowledged.
    if (!this.lags.some((lag) => lag > 0)) {
      expect(seqs).toEqual(unread(real, model, this.filter).slice(0, this.amount));
    }
  }

  toString(): string {
    return `search ${JSON.stringify(this.filter)} ${this.amount} lags ${this.lags.join()}`;
  }
}

class Acknowledge implements Command {
  readonly check = always.check;

  /** @param picks positions, in thousandths, among all messages that were ever stored */
  constructor(
    readonly picks: readonly number[],
    readonly onlyDelivered: boolean,
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const from = this.onlyDelivered ? [...model.delivered] : real.log.messages.map(({ seq }) => seq);
    const seqs = [
      ...new Set(this.picks.flatMap((pick) => from[Math.floor((pick * from.length) / 1_000)] ?? [])),
    ];
    if (!seqs.length) return;
    const acknowledged = await real.reader.acknowledge({ mailbox, clientId, from: undefined, seqs });
    for (const seq of seqs) {
      const message = real.log.messages.find((stored) => stored.seq === seq);
      const ended = !message || message.endsAtMs <= real.world.nowMs;
      expect({ seq, acknowledged: acknowledged.has(seq) }).toEqual({
        seq,
        acknowledged: ended || model.delivered.has(seq),
      });
      if (acknowledged.has(seq)) model.acknowledged.add(seq);
    }
  }

  toString(): string {
    return `acknowledge ${this.onlyDelivered ? 'delivered' : 'any'} ${this.picks.join()}`;
  }
}

class Wait implements Command {
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
class AtOnce implements Command {
  readonly check = always.check;

  constructor(
    readonly searches: readonly { filter: Filter; amount: number }[],
    readonly picks: readonly number[],
    readonly order: readonly number[],
    readonly lags: readonly number[],
  ) {}

  async run(model: Model, real: Real): Promise<void> {
    const before = new Set(model.acknowledged);
    const toAcknowledge = [
      ...new Set(
        this.picks.flatMap(
          (pick) => [...model.delivered][Math.floor((pick * model.delivered.size) / 1_000)] ?? [],
        ),
      ),
    ];
    real.world.lags = [...this.lags];
    const answers = await interleaved(real.world, this.order, [
      ...this.searches.map(
        ({ filter, amount }) =>
          () =>
            search(real, filter, amount),
      ),
      ...(toAcknowledge.length
        ? [
            async () => {
              const request = { mailbox, clientId, from: undefined, seqs: toAcknowledge };
              for (const seq of await real.reader.acknowledge(request)) model.acknowledged.add(seq);
              return [];
            },
          ]
        : []),
    ]);
    real.world.lags = [];
    // Nothing comes back that had been acknowledged before any of them began.
    this.searches.forEach(({ filter, amount }, index) => {
      requireSound(real, { ...model, acknowledged: before }, filter, amount, answers[index] ?? []);
    });
  }

  toString(): string {
    return `at once ${JSON.stringify(this.searches)} ack ${this.picks.join()} order ${this.order.join()}`;
  }
}

/** Runs tasks whose every step waits for its turn; `order` says, one by one, who of the waiting goes on. */
async function interleaved<T>(
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

const index = fc.nat({ max: universe - 1 });
// Few, and nearly all: by exact subjects, by topic, by sender, and over the mailbox.
const subset = (prefix: string) =>
  fc
    .oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      { weight: 4, arbitrary: fc.uniqueArray(index, { minLength: 1, maxLength: 5 }) },
      { weight: 3, arbitrary: fc.uniqueArray(index, { minLength: universe - 3, maxLength: universe }) },
    )
    .map((chosen) => chosen?.map((number) => `${prefix}${number}`) ?? null);
const filter = fc.record({ topics: subset('t'), senders: subset('s') });
const amount = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_000 }));
const lags = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(fc.nat({ max: 6 }), { maxLength: 40 }),
  fc.array(fc.nat({ max: 400 }), { maxLength: 40 }),
);
const message = fc.record({
  topic: index,
  sender: index,
  lifeMs: fc.constantFrom(1_000, 10_000, longestLifeMs),
  gap: fc.constantFrom(0, 0, 0, 3, 700),
});
const picks = fc.array(fc.nat({ max: 999 }), { minLength: 1, maxLength: 30 });
const commands: fc.Arbitrary<Command>[] = [
  fc.array(message, { minLength: 1, maxLength: 12 }).map((burst) => new Publish(burst, 1)),
  fc.tuple(message, fc.integer({ min: 200, max: 400 })).map(([one, repeat]) => new Publish([one], repeat)),
  fc.tuple(filter, amount, lags).map(([chosen, count, behind]) => new Search(chosen, count, behind)),
  fc.tuple(filter, amount, lags).map(([chosen, count, behind]) => new Search(chosen, count, behind)),
  fc.tuple(picks, fc.boolean()).map(([chosen, delivered]) => new Acknowledge(chosen, delivered)),
  fc.tuple(fc.constantFrom(1, 1_000, 11_000, 90_000), fc.boolean()).map(([ms, trim]) => new Wait(ms, trim)),
  fc
    .tuple(
      fc.array(fc.record({ filter, amount }), { minLength: 1, maxLength: 3 }),
      picks,
      fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 12 }),
      lags,
    )
    .map((parts) => new AtOnce(...parts)),
];

function newReal(): Real {
  const world: World = { nowMs: 1_800_000_000_000, lags: [], yield: () => Promise.resolve() };
  const log = new LaggingLog(world);
  return { world, log, reader: new MailboxReader(log, new RecordStore(world), () => longestLifeMs + 5_000) };
}

describe('a cursor and a reference that remembers every message', () => {
  it(`agree over ${runs} random histories, and in the end everything unread is returned once`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 40 }), async (history) => {
        const real = newReal();
        const model: Model = { acknowledged: new Set(), delivered: new Set() };
        await fc.asyncModelRun(() => ({ model, real }), history);
        // Whatever filters were used on the way, nothing is lost: a reader of everything drains the mailbox.
        const all: Filter = { topics: null, senders: null };
        const expected = unread(real, model, all);
        const drained: number[] = [];
        for (;;) {
          const seqs = await search(real, all, 500);
          if (!seqs.length) break;
          drained.push(...seqs);
          await real.reader.acknowledge({ mailbox, clientId, from: undefined, seqs });
        }
        expect(drained).toEqual(expected);
      }),
      { numRuns: runs, endOnFailure: process.env['CI'] !== undefined },
    );
  }, 3_600_000);
});
