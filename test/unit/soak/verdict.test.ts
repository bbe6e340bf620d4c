// The verdict of a soak, over samples that were made for it.

import { describe, expect, it } from '@jest/globals';
import { trendOf } from '../../../scripts/soak/trend';
import { type HeldAt, judge } from '../../../scripts/soak/verdict';

const megabyte = 1024 ** 2;

/** A sample every 5 s for 15 minutes. */
function samples(of: (atSeconds: number) => Partial<HeldAt>): readonly HeldAt[] {
  return Array.from({ length: 180 }, (_none, index) => {
    const atSeconds = (index + 1) * 5;
    const noise = ((index * 7_919) % 13) / 13;
    return {
      ...{ atSeconds, heapBytes: (50 + noise) * megabyte, handles: 30 + (index % 5), natsConnections: 2 },
      ...of(atSeconds),
    };
  });
}

describe('a trend', () => {
  it('is that of a straight line', () => {
    const line = [0, 10, 20].map((atSeconds) => ({ atSeconds, value: 5 + atSeconds }));
    expect(trendOf(line)).toMatchObject({ perHour: 3_600, first: 5, last: 25, least: 5, most: 25 });
  });

  it('is level where nothing changes', () => {
    expect(trendOf([1, 2, 3].map((atSeconds) => ({ atSeconds, value: 4 }))).perHour).toBe(0);
  });
});

describe('a soak', () => {
  it('passes where nothing grows', () => {
    expect(judge(samples(() => ({}))).faults).toEqual([]);
  });

  it('does not count what is filled at the beginning', () => {
    const warming = samples((at) => ({ heapBytes: Math.min(80, 30 + at / 4) * megabyte }));
    expect(judge(warming).faults).toEqual([]);
  });

  it.each<[string, (at: number) => Partial<HeldAt>]>([
    ['the heap grows', (at) => ({ heapBytes: (50 + at / 30) * megabyte })],
    ['handles grow', (at) => ({ handles: 30 + Math.floor(at / 20) })],
    ['2 to 3 NATS connections instead of 2', (at) => ({ natsConnections: at > 800 ? 3 : 2 })],
  ])('fails where %s', (fault, of) => {
    expect(judge(samples(of)).faults).toEqual([fault]);
  });
});
