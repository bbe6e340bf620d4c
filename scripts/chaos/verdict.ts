// What a checker finds: which rule was broken, and by what.

export interface Violation {
  readonly rule: string;
  /** A sentence with the names and instants of what happened. */
  readonly what: string;
}

/** Instants of two servers are compared with this tolerance: half a round trip of a busy machine. Unit: ms. */
export const clockToleranceMs = 300;

export const instant = (ms: number): string =>
  Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : 'never';
