// Claims about the elements of a list.

import type { Claim } from './claim';
import { sizeBounds } from './facts';
import { elementOf } from './parts';
import type { Proof } from './proof';

/** Longest tuple whose elements are looked at each for itself. */
const maxTuple = 50;

export function listClaims(proof: Proof, claim: Claim): boolean {
  return [elementsHold(proof, claim), containsHolds(proof, claim)].every(Boolean);
}

function elementsHold(proof: Proof, claim: Claim): boolean {
  const { facts, place, goal, trail } = claim;
  if (goal.get('items') === undefined) return true;
  const { max } = sizeBounds(facts.holding, 'Items');
  const tuple = Math.max(...[goal, ...facts.holding].map((node) => node.list('items')?.length ?? 0));
  if (tuple > maxTuple) return proof.gap(claim, 'items');
  // The element after the tuples stands for all that follow.
  let isProven = true;
  for (let index = 0; index <= tuple && index < max; index++) {
    const wanted = goal.element(index);
    if (!wanted) continue;
    const step = { above: trail, facts, place, step: { element: index } };
    if (!proof.part(elementOf(facts.holding, index), place.element(index), wanted, step)) isProven = false;
  }
  return isProven;
}

function containsHolds(proof: Proof, claim: Claim): boolean {
  const { facts, place, goal, trail } = claim;
  const wanted = goal.one('contains');
  if (!wanted) return true;
  const step = { above: trail, facts, place, step: { element: 0 } };
  const { min } = sizeBounds(facts.holding, 'Items');
  if (min > 0 && proof.part(elementOf(facts.holding, 0), place.element(0), wanted, step)) return true;
  // The element that is known to be there may be any one: only what holds of all of them is known besides.
  const ofAll = [...facts.holding].flatMap((node) => (node.list('items') ? [] : (node.one('items') ?? [])));
  const isProven = [...facts.holding].some((node) => {
    const contained = node.one('contains');
    return contained && proof.part([contained, ...ofAll], place.anyElement(), wanted, step);
  });
  return isProven || proof.gap(claim, 'contains');
}
