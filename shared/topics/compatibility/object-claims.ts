// Claims about the properties of an object: those whose names are spelled out somewhere, each for itself, and all
// others together.

import type { Claim } from './claim';
import { casesOf, requiredNames } from './facts';
import { propertyOf } from './parts';
import type { Proof } from './proof';
import type { SchemaNode } from './schema-node';

/** Most names that are looked at each for itself. */
const maxNames = 2_500;

export function objectClaims(proof: Proof, claim: Claim): boolean {
  const { goal } = claim;
  const says = (...keywords: string[]) => keywords.some((keyword) => goal.get(keyword) !== undefined);
  return [
    !says('properties', 'patternProperties', 'additionalProperties') || propertiesHold(proof, claim),
    !says('propertyNames') || namesHold(proof, claim),
    !says('dependencies') || dependenciesHold(proof, claim),
  ].every(Boolean);
}

/** Names that the object may have, as far as they are spelled out; and whether it may have any other. */
function possibleNames({ facts, place, goal }: Claim, proof: Proof) {
  const nameFacts = [...facts.holding].flatMap((node) => node.one('propertyNames') ?? []);
  const finite = nameFacts.flatMap((node) => node.values ?? []).filter((name) => typeof name === 'string');
  const spelled = new Set([
    ...[goal, ...facts.holding].flatMap((node) => [
      ...node.map('properties').keys(),
      ...node.map('dependencies').keys(),
      ...node.namesRequiredBy.keys(),
    ]),
    ...requiredNames(facts.holding),
    ...place.spelled,
    ...finite,
  ]);
  const names = [...spelled].filter(
    (name) => place.names(name) && nameFacts.every((node) => proof.evaluator.evaluate(node, name) !== false),
  );
  const hasOthers = place.hasOthers && !nameFacts.some((node) => node.values ?? node.schema === false);
  return { names, hasOthers, nameFacts };
}

function propertiesHold(proof: Proof, claim: Claim): boolean {
  const { facts, place, goal, trail } = claim;
  const { evaluator } = proof;
  const { names, hasOthers } = possibleNames(claim, proof);
  if (names.length > maxNames) return proof.gap(claim, 'properties');
  let isProven = true;
  for (const property of names) {
    const assumed = propertyOf(facts.holding, property, evaluator);
    for (const wanted of wantedOf(goal, property, proof)) {
      const step = { above: trail, facts, place, step: { property } };
      if (!proof.part(assumed, place.property(property), wanted, step)) isProven = false;
    }
  }
  return (!hasOthers || othersHold(proof, claim)) && isProven;
}

/** What a schema wants of a property; where a pattern cannot be asked, both of what it may want. */
function wantedOf(goal: SchemaNode, name: string, proof: Proof): readonly SchemaNode[] {
  const named = goal.map('properties').get(name);
  const patterns = [...goal.map('patternProperties')];
  const answers = patterns.map(([pattern]) => proof.evaluator.matches(pattern, name));
  const additional = goal.one('additionalProperties');
  return [
    ...(named ? [named] : []),
    ...patterns.filter((_, index) => answers[index] !== false).map(([, schema]) => schema),
    ...(named || answers.includes(true) || !additional ? [] : [additional]),
  ];
}

/** The properties whose names are spelled out nowhere. */
function othersHold(proof: Proof, claim: Claim): boolean {
  const { facts, place, goal, trail } = claim;
  const patterns = goal.map('patternProperties');
  let isProven = true;
  for (const [pattern, wanted] of patterns) {
    const assumed = [...facts.holding].flatMap((node) => otherOf(node, pattern));
    const step = { above: trail, facts, place, step: { pattern } };
    if (!proof.part(assumed, place.other(), wanted, step)) isProven = false;
  }
  const additional = goal.one('additionalProperties');
  if (additional) {
    const assumed = [...facts.holding].flatMap((node) => otherOf(node, undefined, new Set(patterns.keys())));
    const step = { above: trail, facts, place, step: { pattern: '' } };
    if (!proof.part(assumed, place.other(), additional, step)) isProven = false;
  }
  return isProven;
}

/**
 * What a schema says of a property whose name it does not spell out.
 * @param pattern one that the name is known to match
 * @param unmatched patterns that the name is known not to match
 */
function otherOf(
  node: SchemaNode,
  pattern: string | undefined,
  unmatched: ReadonlySet<string> = new Set(),
): readonly SchemaNode[] {
  const patterns = node.map('patternProperties');
  const same = pattern === undefined ? undefined : patterns.get(pattern);
  if (same) return [same];
  const additional = node.one('additionalProperties');
  const possible = [...patterns].filter(([one]) => !unmatched.has(one)).map(([, schema]) => schema);
  if (!additional) return [];
  return [node.document.anyOf([...possible, additional])];
}

function namesHold(proof: Proof, claim: Claim): boolean {
  const { facts, goal } = claim;
  const wanted = goal.one('propertyNames');
  if (!wanted) return true;
  const { names, hasOthers, nameFacts } = possibleNames(claim, proof);
  const canBe = (name: string) =>
    !proof.isEmpty(propertyOf(facts.holding, name, proof.evaluator), claim.place.property(name));
  const isRefused = names.some((name) => proof.evaluator.evaluate(wanted, name) !== true && canBe(name));
  if (isRefused) return proof.gap(claim, 'propertyNames');
  if (!hasOthers) return true;
  // A closed object has no other names than those that match its patterns.
  const closed = [...facts.holding]
    .filter((node) => node.one('additionalProperties')?.schema === false)
    .map((node) =>
      node.document.anyOf(
        [...node.map('patternProperties').keys()].map((pattern) => node.document.made({ pattern })),
      ),
    );
  const cases = casesOf('string', [...nameFacts, ...closed], [], proof.evaluator);
  const areProven = cases.every((nameCase) =>
    proof.isProvenQuietly({ facts: nameCase, place: claim.place, goal: wanted, trail: undefined }),
  );
  return areProven || proof.gap(claim, 'propertyNames');
}

function dependenciesHold(proof: Proof, claim: Claim): boolean {
  const { facts, place, goal } = claim;
  const wanted = [
    ...goal.map('dependencies'),
    ...[...goal.namesRequiredBy].map(([name, required]) => [name, goal.document.made({ required })] as const),
  ];
  return wanted
    .map(([name, schema]) => {
      if (!place.names(name)) return true;
      const has = goal.document.made({ required: [name] });
      return casesOf(facts.type, [...facts.holding, has], facts.refuted, proof.evaluator)
        .map(
          (both) => proof.isImpossible(both, place) || proof.holds({ ...claim, facts: both, goal: schema }),
        )
        .every(Boolean);
    })
    .every(Boolean);
}
