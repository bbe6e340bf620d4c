// What a suite of measurements is made of. A row is measured in several rounds, in turn with the others, so that
// what else happens on the machine meets them all alike; a curve once; a check is a fact with a limit.

import type { Bench } from './bench';

/** What one round of a row has brought. */
export interface Sample {
  readonly seconds: number;
  readonly requests: number;
  /** Messages published, or fetched and acknowledged; 0 where none are. */
  readonly messages: number;
  /** Of one request, or of one turn where a turn is several requests. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Row {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** Least ratio to the floor that the design asks for. */
  readonly target?: number;
  /** One round; the first one of a run is thrown away. */
  readonly measure: (bench: Bench) => Promise<Sample>;
}

export interface Point {
  /** What grows. */
  readonly size: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly messagesPerSecond?: number;
}

export interface Curve {
  readonly name: string;
  readonly title: string;
  /** What `size` counts: `pending messages`. */
  readonly unit: string;
  /** Greatest p50 of the last point, as a multiple of the first one's. Absent: nothing is asked for. */
  readonly limit?: number;
  readonly measure: (bench: Bench) => Promise<readonly Point[]>;
}

export interface Fact {
  readonly title: string;
  readonly value: number;
  readonly unit: string;
  /** Greatest value that the design allows. Absent: nothing is asked for. */
  readonly limit?: number;
}

export interface Check {
  readonly name: string;
  readonly measure: (bench: Bench) => Promise<readonly Fact[]>;
}

export interface Suite {
  readonly name: string;
  /** A line for --help. */
  readonly summary: string;
  /** The first one is what the others' ratios refer to. */
  readonly rows: readonly Row[];
  readonly curves: readonly Curve[];
  readonly checks: readonly Check[];
}
