// Lists of retention classes, good and bad, and what a policy makes of a topic's choice and a sender's wish.

import { describe, expect, it } from '@jest/globals';
import { BrokerError } from '../../../shared/broker-error';
import { RetentionPolicy } from '../../../shared/retention';
import { parseRetentionClasses } from '../../../shared/retention/retention-class';

const day = 86_400_000;

describe('a list of retention classes', () => {
  it('is read with its spans', () => {
    expect(parseRetentionClasses('1s,2m,3h,4d')).toEqual([
      { name: '1s', spanMs: 1_000 },
      { name: '2m', spanMs: 120_000 },
      { name: '3h', spanMs: 10_800_000 },
      { name: '4d', spanMs: 4 * day },
    ]);
  });

  it.each([
    ['that is empty', ''],
    ['of white space', ' '],
    ['with an empty class', '1h,'],
    ['of commas', ','],
    ['that is not sorted', '6h,1h'],
    ['with a class twice', '1h,6h,6h'],
    ['with a span twice', '1h,60m'],
    ['with a span of zero', '0s,1h'],
    ['with a negative span', '-1h'],
    ['with a fraction', '1.5h'],
    ['with an unknown unit', '1w'],
    ['in capital letters', '1H'],
    ['with more than a class in one place', '1h 6h'],
    ['with a span that no stream can be told', '999999d'],
  ])('%s is refused with a sentence', (_what, text) => {
    expect(() => parseRetentionClasses(text)).toThrow(/^RETENTION_CLASSES/);
  });
});

describe('a retention policy', () => {
  const classes = parseRetentionClasses('1h,24h,7d');
  const [, daily] = classes;
  if (!daily) throw new Error('unreachable');
  const policy = new RetentionPolicy(classes, daily);

  it('takes the topic’s class, or the default one where it has none or one that is gone', () => {
    expect(policy.of('7d', undefined)).toEqual({ retentionClass: '7d' });
    expect(policy.of(undefined, undefined)).toEqual({ retentionClass: '24h' });
    expect(policy.of('30d', undefined)).toEqual({ retentionClass: '24h' });
  });

  it('rounds a life up to a class, whatever the topic says', () => {
    expect(policy.of('7d', 60)).toEqual({ retentionClass: '1h', lifeMs: 60_000 });
    expect(policy.of(undefined, 3_600)).toEqual({ retentionClass: '1h' });
    expect(policy.of(undefined, 3_601)).toEqual({ retentionClass: '24h', lifeMs: 3_601_000 });
  });

  it('refuses a life that no class is long enough for', () => {
    expect(() => policy.of(undefined, policy.longestSeconds)).not.toThrow();
    expect(() => policy.of(undefined, policy.longestSeconds + 1)).toThrow(BrokerError);
  });
});
