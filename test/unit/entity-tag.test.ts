// If-Match as RFC 9110 has it.

import { describe, expect, it } from '@jest/globals';
import { formatEntityTag, readIfMatch } from '../../shared/http/entity-tag';

describe('If-Match', () => {
  it.each([
    [null, 'a', true],
    [null, undefined, true],
    ['*', 'a', true],
    ['*', undefined, false],
    ['"a"', 'a', true],
    ['"a"', 'b', false],
    ['"a"', undefined, false],
    [' "x" ,"a", "y"', 'a', true],
    ['W/"a"', 'a', false],
    ['W/"a", "a"', 'a', true],
    ['a', 'a', false],
    ['"a', 'a', false],
    ['"x"y, "a"', 'x', false],
    ['', 'a', false],
    ['"a,b"', 'a', false],
  ])('of %j lets a call on %j go on: %s', (header, current, goesOn) => {
    expect(readIfMatch(header)(current)).toBe(goesOn);
  });

  it('takes back what was given out', () => {
    expect(readIfMatch(formatEntityTag('r5'))('r5')).toBe(true);
  });

  it('reads a long hostile header in no time', () => {
    const start = performance.now();
    expect(readIfMatch(`${'", '.repeat(5_000)}"`)('a')).toBe(false);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
