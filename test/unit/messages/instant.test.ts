import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseInstant } from '../../../shared/messages/instant';

describe('an instant', () => {
  it('is the same with any offset', () => {
    const canonical = parseInstant('2026-03-01T12:00:00.5Z')?.canonical;
    expect(canonical).toBe('1772366400500000000');
    for (const text of [
      '2026-03-01T14:00:00.500+02:00',
      '2026-03-01T06:30:00.5000-0530',
      '2026-03-01t12:00:00.5z',
    ]) {
      expect(parseInstant(text)?.canonical).toBe(canonical);
    }
  });

  it('agrees with Date for every millisecond', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          const instant = parseInstant(date.toISOString());
          expect(instant?.fromMs).toBe(date.getTime());
          expect(instant?.canonical).toBe(String(BigInt(date.getTime()) * 1_000_000n));
        },
      ),
    );
  });

  it('between two milliseconds begins with the later one', () => {
    expect(parseInstant('2026-03-01T12:00:00.000000001Z')?.fromMs).toBe(
      Date.parse('2026-03-01T12:00:00.001Z'),
    );
  });

  it('needs an offset and a real date', () => {
    const texts = [
      '',
      'now',
      '2026-03-01',
      '2026-03-01T12:00:00',
      '2026-13-01T12:00:00Z',
      '2026-03-01T25:00:00Z',
      '1772366400',
    ];
    for (const text of [
      ...texts,
      '2026-03-01T12:00:00+99:00',
      '+12026-03-01T12:00:00Z',
      '2026-03-01T12:00:00.1234567890Z',
    ]) {
      expect(parseInstant(text)).toBeUndefined();
    }
  });
});
