// Claims about a value itself, not about its parts: its type, its values, bounds, sizes, patterns and formats.

import type { Claim } from './claim';
import { isMultipleOf } from './decimal';
import { numberBounds, requiredNames, sizeBounds, sizeNames } from './facts';
import type { Proof } from './proof';

/** Patterns that are found in every text. */
const universalPatterns = new Set(['', '.*', '^', '^.*', '$', '()']);

export function scalarClaims(proof: Proof, claim: Claim): boolean {
  const { facts, goal } = claim;
  const { type, holding } = facts;
  const gaps: string[] = [];
  const demand = (keyword: string, isProven: boolean) => {
    if (!isProven) gaps.push(keyword);
  };

  const { types } = goal;
  if (types) {
    const needsWhole = type === 'number' && !types.includes('number') && types.includes('integer');
    demand('type', types.includes(type) || (needsWhole && numberBounds(holding).isInteger));
  }
  // Where all values are known, they have been asked already.
  if (goal.values) demand(goal.get('const') === undefined ? 'enum' : 'const', false);

  if (type === 'number') {
    const { min, isAbove, max, isBelow, isInteger, divisors } = numberBounds(holding);
    const least = isInteger ? nextWhole(min, isAbove, 1) : min;
    const most = isInteger ? nextWhole(max, isBelow, -1) : max;
    for (const [keyword, proves] of [
      ['minimum', (limit: number) => least >= limit],
      ['exclusiveMinimum', (limit: number) => least > limit || (min === limit && isAbove)],
      ['maximum', (limit: number) => most <= limit],
      ['exclusiveMaximum', (limit: number) => most < limit || (max === limit && isBelow)],
      [
        'multipleOf',
        (divisor: number) =>
          [...divisors, ...(isInteger ? [1] : [])].some((one) => isMultipleOf(one, divisor)),
      ],
    ] as const) {
      const limit = goal.number(keyword);
      if (limit !== undefined) demand(keyword, proves(limit));
    }
  }

  const sizes = sizeNames[type];
  if (sizes) {
    const { min, max } = sizeBounds(holding, sizes);
    demand(`min${sizes}`, min >= (goal.number(`min${sizes}`) ?? 0));
    demand(`max${sizes}`, max <= (goal.number(`max${sizes}`) ?? Infinity));
  }

  if (type === 'string') {
    for (const keyword of ['pattern', 'format']) {
      const wanted = goal.text(keyword);
      if (wanted === undefined) continue;
      const isKnown = [...holding].some((node) => node.text(keyword) === wanted);
      demand(keyword, isKnown || (keyword === 'pattern' && universalPatterns.has(wanted)));
    }
  }

  if (type === 'object' && goal.required.length > 0) {
    const known = requiredNames(holding);
    demand(
      'required',
      goal.required.every((name) => known.has(name)),
    );
  }
  if (type === 'array' && goal.get('uniqueItems') === true) {
    const isUnique = [...holding].some((node) => node.get('uniqueItems') === true);
    demand('uniqueItems', isUnique || sizeBounds(holding, 'Items').max <= 1);
  }
  for (const keyword of gaps) proof.gap(claim, keyword);
  return gaps.length === 0;
}

/** The nearest whole number inside a bound, as far as doubles tell whole numbers apart. */
function nextWhole(bound: number, isExcluded: boolean, direction: 1 | -1): number {
  if (!Number.isSafeInteger(Math.trunc(bound))) return bound;
  const inside = direction === 1 ? Math.ceil(bound) : Math.floor(bound);
  return isExcluded && inside === bound ? inside + direction : inside;
}
