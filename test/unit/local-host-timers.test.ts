// NCRONTAB schedules as the platform reads them.

import { describe, expect, it } from '@jest/globals';
import { parseSchedule } from '../../scripts/local-host/timers';

const from = '2026-01-15T10:20:30.000Z';
const next = (expression: string, environment = {}) =>
  parseSchedule(expression, environment).nextRun(new Date(from))?.toISOString();

describe('a schedule of the local host', () => {
  it.each([
    ['*/15 * * * * *', '2026-01-15T10:20:45.000Z'],
    ['0 * * * * *', '2026-01-15T10:21:00.000Z'],
    ['0 */5 * * * *', '2026-01-15T10:25:00.000Z'],
    ['0 0,30 9-17 * * Mon-Fri', '2026-01-15T10:30:00.000Z'],
    ['0 0 0 1 Feb *', '2026-02-01T00:00:00.000Z'],
    ['5 10-40/10 * * * *', '2026-01-15T10:30:05.000Z'],
  ])('%s comes next at %s, in UTC', (expression, expected) => {
    expect(next(expression)).toBe(expected);
  });

  it('asks for both, the day and the day of the week', () => {
    expect(next('0 0 0 13 * Fri')).toBe('2026-02-13T00:00:00.000Z');
  });

  it('is taken from a setting when written as %NAME%', () => {
    expect(next('%SWEEP%', { SWEEP: '0 0 12 * * *' })).toBe('2026-01-15T12:00:00.000Z');
    expect(() => next('%SWEEP%')).toThrow(/NCRONTAB/);
  });

  it.each([
    '* * * * *',
    '* * * * * * *',
    '@daily',
    '0 0 0 L * *',
    '0 0 0 ? * *',
    '00:05:00',
    '61 * * * * *',
    '',
  ])('%p is refused', (expression) => {
    expect(() => parseSchedule(expression)).toThrow();
  });
});
