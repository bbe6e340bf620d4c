// Versions are Semantic Versioning 2.0.0, and the sort key orders them as its §11 does.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compareVersions,
  highestVersion,
  isSemanticVersion,
  maxVersionLength,
  versionSortKey,
} from '../../../shared/topics/semantic-version';

const identifier = fc.oneof(
  fc.nat(2_000).map(String),
  fc.stringMatching(/^[0-9A-Za-z-]{1,6}$/).filter((text) => !/^0\d+$/.test(text)),
);
const version = fc
  .record({
    core: fc.tuple(fc.nat(1_200), fc.nat(30), fc.nat(3)),
    preRelease: fc.array(identifier, { maxLength: 4 }),
  })
  .map(({ core, preRelease }) => ({ core, preRelease }));
interface Version {
  core: [number, number, number];
  preRelease: string[];
}

const print = ({ core, preRelease }: Version): string =>
  core.join('.') + (preRelease.length ? `-${preRelease.join('.')}` : '');

/** Semver.org §11, word by word. */
function precedence(left: Version, right: Version): number {
  for (const index of [0, 1, 2] as const) {
    if (left.core[index] !== right.core[index]) return left.core[index] - right.core[index];
  }
  if (left.preRelease.length === 0 || right.preRelease.length === 0) {
    return right.preRelease.length - left.preRelease.length;
  }
  for (const [index, a] of left.preRelease.entries()) {
    const b = right.preRelease[index];
    if (b === undefined) return 1;
    const numeric = [a, b].map((text) => /^\d+$/.test(text));
    if (numeric[0] && numeric[1] && Number(a) !== Number(b)) return Number(a) - Number(b);
    if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
    if (a !== b) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return left.preRelease.length - right.preRelease.length;
}

describe('semantic versions', () => {
  it('are ordered as §11 orders them', () => {
    fc.assert(
      fc.property(version, version, (left, right) => {
        expect(Math.sign(compareVersions(print(left), print(right)))).toBe(
          Math.sign(precedence(left, right)),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('follow the example of the specification', () => {
    const ascending = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.0+a',
      '1.0.0+b',
      '1.2.0',
      '1.10.0',
      '10.0.0',
      '99999999999999999999.0.0',
    ];
    expect([...ascending].reverse().sort(compareVersions)).toEqual(ascending);
    expect(highestVersion(['1.9.0', '1.10.0', '1.10.0-rc.1'])).toBe('1.10.0');
    expect(highestVersion([])).toBeUndefined();
  });

  it('make sort keys of ASCII that fit the column', () => {
    const longest = `1.0.0-${'1.'.repeat(46)}1`;
    expect(longest.length).toBeLessThanOrEqual(maxVersionLength);
    expect(versionSortKey(longest).length).toBeLessThanOrEqual(4 * maxVersionLength);
    expect(versionSortKey('1.0.0-a+b')).toMatch(/^[\x20-\x7e]*$/);
  });

  it.each([
    '1.0',
    'v1',
    'v1.0.0',
    '1',
    '',
    ' 1.0.0',
    '1.0.0 ',
    '01.0.0',
    '1.0.0-',
    '1.0.0-01',
    '1.0.0-a..b',
    '1.0.0+',
    '1.0.0-ä',
    '١.٠.٠',
    '1.0.0\n',
    `1.0.${'9'.repeat(200)}`,
  ])('refuses %j', (text) => {
    expect(isSemanticVersion(text)).toBe(false);
    expect(() => versionSortKey(text)).toThrow();
  });
});
