// Quantiles of what was measured.

/** @param sorted ascending; a quantile of nothing is 0 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Math.max takes its arguments from the stack, which has no room for those of a long run. */
export function largest(values: Iterable<number>, least: number): number {
  let found = least;
  for (const value of values) if (value > found) found = value;
  return found;
}

/** The middle one; of two middle ones the lower. */
export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) / 2)] ?? 0;
}
