// The cursor against a naive reference that remembers every message by name: random histories of publishing,
// searching and receiving with changing filters and amounts, acknowledging, settling leases, seeking, expiry,
// concurrent readers, two instances and lagging replicas.
// CURSOR_MODEL_RUNS sets how many histories; `npm run nightly` runs 50,000.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Filter, LeaseAction } from '../../../shared/messages/cursor';
import { Acknowledge, AtOnce, Publish, Search, SeekAtOnce, Wait } from '../../support/cursor-model/commands';
import { LookAfterDead, Receive, requireDead, Seek, Settle } from '../../support/cursor-model/lease-commands';
import {
  clientId,
  type Command,
  longestLifeMs,
  mailbox,
  newModel,
  newReal,
  type Order,
  search,
  type SeekPlace,
  unread,
} from '../../support/cursor-model/model';

const runs = Number(process.env['CURSOR_MODEL_RUNS'] ?? 500);
const universe = 20;

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
const turns = fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 12 });
const leaseMs = fc.constantFrom(500, 5_000, 50_000);
const order: fc.Arbitrary<Order> = fc.record({
  filter,
  max: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 500 })),
  leaseMs,
  instance: fc.constantFrom(0, 1),
  knownAge: fc.constantFrom(null, 0, 0, 1, 3),
});
const action: fc.Arbitrary<LeaseAction> = fc.oneof(
  fc.constant({ kind: 'acknowledge' } as const),
  fc.record({ kind: fc.constant('release' as const), delayMs: fc.constantFrom(0, 0, 2_000) }),
  fc.record({ kind: fc.constant('reject' as const), reason: fc.string({ maxLength: 5 }) }),
  fc.record({ kind: fc.constant('renew' as const), leaseMs }),
  fc.constant({ kind: 'withdraw' } as const),
);
const place: fc.Arbitrary<SeekPlace> = fc.oneof(fc.constantFrom('beginning', 'end'), fc.nat({ max: 999 }));
const searches = fc.array(fc.record({ filter, amount }), { minLength: 1, maxLength: 3 });

const commands: fc.Arbitrary<Command>[] = [
  fc.array(message, { minLength: 1, maxLength: 12 }).map((burst) => new Publish(burst, 1)),
  fc.tuple(message, fc.integer({ min: 200, max: 400 })).map(([one, repeat]) => new Publish([one], repeat)),
  fc.tuple(filter, amount, lags).map((parts) => new Search(...parts)),
  fc.tuple(filter, amount, lags).map((parts) => new Search(...parts)),
  fc.tuple(picks, fc.boolean()).map((parts) => new Acknowledge(...parts)),
  fc.tuple(fc.constantFrom(1, 1_000, 11_000, 90_000), fc.boolean()).map((parts) => new Wait(...parts)),
  fc.tuple(order, lags).map((parts) => new Receive(...parts)),
  fc.tuple(order, lags).map((parts) => new Receive(...parts)),
  fc.tuple(action, picks, fc.constantFrom(5, 50, 1_000)).map((parts) => new Settle(...parts)),
  fc.tuple(action, picks, fc.constantFrom(5, 50, 1_000)).map((parts) => new Settle(...parts)),
  fc.tuple(fc.option(picks), fc.boolean()).map((parts) => new LookAfterDead(...parts)),
  place.map((chosen) => new Seek(chosen)),
  fc
    .tuple(searches, fc.array(order, { maxLength: 3 }), picks, turns, lags)
    .map((parts) => new AtOnce(...parts)),
  fc.tuple(searches, place, turns, lags).map((parts) => new SeekAtOnce(...parts)),
];

describe('a cursor and a reference that remembers every message', () => {
  it(`agree over ${runs} random histories, and in the end everything unread is returned once`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (history) => {
        const real = newReal();
        const model = newModel();
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
        await requireDead(real, model);
      }),
      { numRuns: runs, endOnFailure: process.env['CI'] !== undefined },
    );
  }, 3_600_000);
});
