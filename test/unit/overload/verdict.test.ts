// The verdict of an overload run, over outcomes that were made for it.

import { describe, expect, it } from '@jest/globals';
import type { Outcome } from '../../../scripts/overload/requests';
import { faultsOf, summarize } from '../../../scripts/overload/verdict';

const outcome = (index: number, change: Partial<Outcome> = {}): Outcome => ({
  ...{ what: 'publish', startedAt: index * 10, endedAt: index * 10 + 500, status: 200, hasRetryAfter: false },
  ...change,
});

/** Of a hundred a second, half is shed. */
const good = Array.from({ length: 1_000 }, (_none, index) =>
  outcome(index, index % 2 ? { status: 503, hasRetryAfter: true } : {}),
);
const faults = (outcomes: readonly Outcome[], missing = 0): readonly string[] =>
  faultsOf(summarize(outcomes, 0), 50, missing);

describe('an overload run', () => {
  it('passes where all is accepted in time or told when to come again', () => {
    expect(faults(good)).toEqual([]);
    expect(summarize(good, 0)).toMatchObject({
      accepted: 500,
      shed: 500,
      other: 0,
      firstShedAfterSeconds: 0.51,
    });
  });

  it('fails where something accepted is missing', () => {
    expect(faults(good, 1)).toEqual(['1 messages answered SENT are missing']);
  });

  it.each<[string, Partial<Outcome>]>([
    ['no answer', { status: 0 }],
    ['a 500', { status: 500 }],
    ['a 503 without Retry-After', { status: 503 }],
  ])('fails for %s', (_what, change) => {
    expect(faults([...good, outcome(1, change)])).toEqual([
      '1 requests were neither accepted nor told when to come again',
    ]);
  });

  it('regression: sums up more requests than fit on the stack', () => {
    const many = Array.from({ length: 200_000 }, (_none, index) => outcome(index));
    expect(summarize(many, 0).accepted).toBe(many.length);
  });

  it('fails where an accepted request took too long', () => {
    const slow = outcome(1, { startedAt: -40_000, endedAt: 10_000 });
    expect(faults([...good, slow])).toEqual(['an accepted request took 50.0 s']);
  });

  it('fails where hardly anything is accepted', () => {
    expect(faults(good.filter((_one, index) => index % 2 === 1 || index % 10 === 0))).toEqual([
      'only 10 requests a second were accepted',
    ]);
  });
});
