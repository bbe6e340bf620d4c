// Runs a suite and gathers what it measured: checks first, then the rows in rounds, then the curves.

import type { Bench } from './bench';
import { median } from './statistics';
import type { Curve, Fact, Point, Row, Sample, Suite } from './suite';

export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
  readonly messagesPerSecond: number;
  /** Of messages where there are any, else of requests; median over the rounds. Absent without a floor. */
  readonly ratioToFloor?: number;
  readonly target?: number;
}

export interface CurveResult {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly points: readonly Point[];
  /** p50 of the last point as a multiple of the first one's. */
  readonly growth: number;
  readonly limit?: number;
}

export interface SuiteResult {
  readonly suite: string;
  readonly facts: readonly Fact[];
  readonly rows: readonly RowResult[];
  readonly curves: readonly CurveResult[];
}

/** @param wanted whether what has this name is measured; the floor always is when a row is */
export async function runSuite(
  suite: Suite,
  bench: Bench,
  rounds: number,
  wanted: (name: string) => boolean,
): Promise<SuiteResult> {
  const facts: Fact[] = [];
  for (const check of suite.checks.filter(({ name }) => wanted(name))) {
    bench.options.progress(check.name);
    facts.push(...(await check.measure(bench)));
  }
  const rows = suite.rows.filter(({ name }) => wanted(name));
  const [floor] = suite.rows;
  const measured = rows.length && floor ? [...new Set([floor, ...rows])] : [];
  const samples = await measureInRounds(measured, bench, rounds);
  const curves: CurveResult[] = [];
  for (const curve of suite.curves.filter(({ name }) => wanted(name))) {
    curves.push(curveResult(curve, await curve.measure(bench)));
  }
  const floorSamples = (floor && samples.get(floor)) ?? [];
  return {
    suite: suite.name,
    facts,
    rows: measured.map((row) => rowResult(row, samples.get(row) ?? [], floorSamples)),
    curves,
  };
}

/** Each row once in each round; the first round warms everything up and does not count. */
async function measureInRounds(
  rows: readonly Row[],
  bench: Bench,
  rounds: number,
): Promise<ReadonlyMap<Row, readonly Sample[]>> {
  const samples = new Map<Row, Sample[]>(rows.map((row) => [row, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const row of rows) {
      bench.options.progress(`${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}: ${row.title}`);
      const sample = await row.measure(bench);
      if (round > 0) samples.get(row)?.push(sample);
    }
  }
  return samples;
}

function rowResult(row: Row, samples: readonly Sample[], floor: readonly Sample[]): RowResult {
  const { name, title, target } = row;
  const of = (value: (sample: Sample) => number): number => median(samples.map(value));
  const ratios = samples.flatMap((sample, round) => {
    const base = floor[round];
    return base ? [rateOf(sample) / rateOf(base)] : [];
  });
  return {
    name,
    title,
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    requestsPerSecond: of(({ requests, seconds }) => requests / seconds),
    messagesPerSecond: of(({ messages, seconds }) => messages / seconds),
    ...(ratios.length ? { ratioToFloor: median(ratios) } : {}),
    ...(target === undefined ? {} : { target }),
  };
}

const rateOf = ({ messages, requests, seconds }: Sample): number => (messages || requests) / seconds;

function curveResult({ name, title, unit, limit }: Curve, points: readonly Point[]): CurveResult {
  const growth = (points.at(-1)?.p50Ms ?? 0) / (points[0]?.p50Ms ?? 1);
  return { name, title, unit, points, growth, ...(limit === undefined ? {} : { limit }) };
}
