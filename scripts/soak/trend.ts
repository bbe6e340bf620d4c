// Whether something grows: the line of least squares through what was sampled, and what it says of an hour. Pure.

export interface Sample {
  /** Since the beginning. Unit: s. */
  readonly atSeconds: number;
  readonly value: number;
}

export interface Trend {
  readonly perHour: number;
  readonly first: number;
  readonly last: number;
  readonly least: number;
  readonly most: number;
}

/** @throws RangeError for fewer than two samples */
export function trendOf(samples: readonly Sample[]): Trend {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < 2) throw new RangeError('A trend needs two samples.');
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const atMean = mean(({ atSeconds }) => atSeconds);
  const valueMean = mean(({ value }) => value);
  const spread = samples.reduce((sum, { atSeconds }) => sum + (atSeconds - atMean) ** 2, 0);
  const together = samples.reduce(
    (sum, { atSeconds, value }) => sum + (atSeconds - atMean) * (value - valueMean),
    0,
  );
  const values = samples.map(({ value }) => value);
  return {
    perHour: spread === 0 ? 0 : (together / spread) * 3_600,
    first: first.value,
    last: last.value,
    least: Math.min(...values),
    most: Math.max(...values),
  };
}
