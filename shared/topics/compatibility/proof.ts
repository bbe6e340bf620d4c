// Proves that whatever matches one schema matches another: `assumed` holds of a value, so `goal` does. What is not
// proven is not false; it is where a witness is looked for.
//
// A claim is about all values of all depths. A claim that comes up again below itself, about a part of the value,
// may be taken as proven: values are finite, so that is an induction. Everything that is weighed here may only make
// more claims unproven, never a wrong one proven.

import type { Claim, Gap, Trail } from './claim';
import type { Evaluator } from './evaluate';
import { casesOf, type Facts } from './facts';
import { jsonTypes } from './json-value';
import { listClaims } from './list-claims';
import { objectClaims } from './object-claims';
import { elementOf, propertyOf } from './parts';
import { anyPlace, type Place } from './place';
import { scalarClaims } from './scalar-claims';
import type { SchemaNode } from './schema-node';

export interface ProofLimits {
  /** Claims that are looked at. */
  readonly maxSteps: number;
  /** Gaps that are noted. */
  readonly maxGaps: number;
  /** Asked now and then; once true, nothing more is proven. */
  readonly isOutOfTime: () => boolean;
}

class OutOfSteps extends Error {}

/** How deep impossibility is looked for: inside required properties and refuted schemas. */
const maxDoubts = 3;
/** References followed without coming to a part of the value. */
const maxReferences = 40;

export class Proof {
  readonly evaluator: Evaluator;
  readonly gaps: Gap[] = [];
  readonly #limits: ProofLimits;
  #steps = 0;
  /** Above zero: gaps are not noted, because another way is open. */
  #quiet = 0;
  #doubts = 0;
  #references = 0;
  #level = 0;
  readonly #open = new Map<string, { readonly level: number; readonly order: number }>();
  readonly #settled = new Map<string, boolean>();
  /** The outermost open claim that has been relied on since. */
  #reliedOn = Infinity;

  constructor(evaluator: Evaluator, limits: ProofLimits) {
    this.evaluator = evaluator;
    this.#limits = limits;
  }

  /** Whether it is proven that every document of a place that matches `assumed` matches `goal`. */
  run(assumed: SchemaNode, place: Place, goal: SchemaNode): boolean {
    try {
      return this.implies([assumed], [], place, goal, undefined);
    } catch (error) {
      if (error instanceof OutOfSteps) return false;
      throw error;
    }
  }

  /** A claim about a part of the value that is being looked at. */
  part(assumed: readonly SchemaNode[], place: Place, goal: SchemaNode, trail: Trail): boolean {
    this.#level++;
    try {
      return this.implies(assumed, [], place, goal, trail);
    } finally {
      this.#level--;
    }
  }

  implies(
    assumed: readonly SchemaNode[],
    refuted: readonly SchemaNode[],
    place: Place,
    goal: SchemaNode,
    trail: Trail | undefined,
  ): boolean {
    if (goal.isTrivial || assumed.includes(goal)) return true;
    const ids = (nodes: readonly SchemaNode[]) =>
      nodes
        .map(({ id }) => id)
        .sort()
        .join(' ');
    const key = `${ids(assumed)} ! ${ids(refuted)} @ ${place.id} > ${goal.id}`;
    const settled = this.#settled.get(key);
    // Gaps differ from way to way, so what is not proven is looked at again while they are noted.
    if (settled === true || (settled === false && !this.#isNoting)) return settled;
    const open = this.#open.get(key);
    if (open !== undefined) {
      if (this.#level <= open.level) return false;
      this.#reliedOn = Math.min(this.#reliedOn, open.order);
      return true;
    }
    const order = this.#open.size;
    this.#open.set(key, { level: this.#level, order });
    const reliedOnBefore = this.#reliedOn;
    this.#reliedOn = Infinity;
    let isProven: boolean;
    try {
      const claims = jsonTypes
        .flatMap((type) => casesOf(type, assumed, refuted, this.evaluator))
        .map((facts) => () => this.isImpossible(facts, place) || this.holds({ facts, place, goal, trail }));
      isProven = this.#all(claims);
    } finally {
      this.#open.delete(key);
    }
    // What rests on a claim that is still open is as open as that one.
    if (this.#reliedOn >= order) this.#reliedOn = Infinity;
    if (this.#reliedOn === Infinity || !isProven) this.#settled.set(key, isProven);
    this.#reliedOn = Math.min(this.#reliedOn, reliedOnBefore);
    return isProven;
  }

  /** Whether the value of a claim matches its goal. */
  holds(claim: Claim): boolean {
    this.#step();
    const { facts, goal } = claim;
    if (goal.isTrivial || facts.holding.has(goal)) return true;
    if (goal.schema === false) return this.gap(claim, '');
    if (goal.reference !== undefined) return this.#holdsReferred(claim);
    if (facts.values) {
      const answers = facts.values.map((value) => this.evaluator.evaluate(goal, value));
      if (answers.every((answer) => answer === true)) return true;
      if (answers.includes(false)) return this.gap(claim, goal.values ? 'enum' : '');
    }
    return this.#all([
      () => scalarClaims(this, claim),
      () => facts.type !== 'array' || listClaims(this, claim),
      () => facts.type !== 'object' || objectClaims(this, claim),
      ...(goal.list('allOf') ?? []).map((part) => () => this.holds({ ...claim, goal: part })),
      () => this.#anyHolds(claim, goal.list('anyOf'), 'anyOf'),
      () => this.#oneHolds(claim),
      () => this.#isNot(claim),
      () => this.#conditionHolds(claim),
    ]);
  }

  /** Notes an unproven claim; always false. */
  gap({ facts, place, goal, trail }: Claim, keyword: string): false {
    if (this.#isNoting) this.gaps.push({ facts, goal, keyword, place, trail });
    return false;
  }

  /** The same as `holds`, for claims beside which another way is open. */
  isProvenQuietly(claim: Claim): boolean {
    this.#quiet++;
    try {
      return this.holds(claim);
    } finally {
      this.#quiet--;
    }
  }

  /** Whether it is proven that no value of this place has these facts. */
  isImpossible(facts: Facts, place: Place): boolean {
    if (this.#doubts >= maxDoubts) return false;
    this.#step();
    return this.#doubting(() => this.#isImpossible(facts, place));
  }

  /** Whether it is proven that no value of this place matches these schemas. */
  isEmpty(nodes: readonly SchemaNode[], place: Place): boolean {
    if (nodes.length === 0 || this.#doubts >= maxDoubts) return false;
    return this.#doubting(() =>
      jsonTypes.every((type) =>
        casesOf(type, nodes, [], this.evaluator).every((facts) => this.isImpossible(facts, place)),
      ),
    );
  }

  /** Whether it is proven that no value with these facts matches a schema. */
  excludes(facts: Facts, place: Place, goal: SchemaNode): boolean {
    if (this.#doubts >= maxDoubts) return false;
    return this.#doubting(
      () =>
        casesOf(facts.type, [...facts.holding, goal], facts.refuted, this.evaluator).every((both) =>
          this.isImpossible(both, place),
        ) || [...facts.refuted].some((refuted) => this.implies([goal], [], anyPlace, refuted, undefined)),
    );
  }

  #isImpossible(facts: Facts, place: Place): boolean {
    if (facts.type === 'object') {
      const required = [...new Set([...facts.holding].flatMap((node) => node.required))];
      if (required.some((name) => !place.names(name))) return true;
      if (
        required.some((name) =>
          this.isEmpty(propertyOf(facts.holding, name, this.evaluator), place.property(name)),
        )
      ) {
        return true;
      }
    }
    if (facts.type === 'array') {
      const least = Math.max(0, ...[...facts.holding].map((node) => node.number('minItems') ?? 0));
      for (let index = 0; index < Math.min(least, maxDoubts); index++) {
        const nodes = elementOf(facts.holding, index);
        if (this.isEmpty(nodes, place.element(index))) return true;
      }
    }
    return [...facts.refuted].some((goal) => this.holds({ facts, place, goal, trail: undefined }));
  }

  get #isNoting(): boolean {
    return this.#quiet === 0 && this.gaps.length < this.#limits.maxGaps;
  }

  #step(): void {
    const { maxSteps, isOutOfTime } = this.#limits;
    if (++this.#steps > maxSteps || (this.#steps % 64 === 0 && isOutOfTime())) throw new OutOfSteps();
  }

  #doubting(look: () => boolean): boolean {
    this.#doubts++;
    this.#quiet++;
    try {
      return look();
    } finally {
      this.#doubts--;
      this.#quiet--;
    }
  }

  /** All claims, each of which notes its gaps; the first gap is enough where none is noted. */
  #all(claims: readonly (() => boolean)[]): boolean {
    if (!this.#isNoting) return claims.every((claim) => claim());
    return claims.map((claim) => claim()).every(Boolean);
  }

  #holdsReferred(claim: Claim): boolean {
    const { target } = claim.goal;
    if (!target || this.#references >= maxReferences) return this.gap(claim, '$ref');
    this.#references++;
    try {
      return this.holds({ ...claim, goal: target });
    } finally {
      this.#references--;
    }
  }

  #anyHolds(claim: Claim, goals: readonly SchemaNode[] | undefined, keyword: string): boolean {
    if (!goals) return true;
    return goals.some((goal) => this.isProvenQuietly({ ...claim, goal })) || this.gap(claim, keyword);
  }

  #oneHolds(claim: Claim): boolean {
    const goals = claim.goal.list('oneOf');
    if (!goals) return true;
    const { facts, place } = claim;
    const isProven = goals.some(
      (goal) =>
        this.isProvenQuietly({ ...claim, goal }) &&
        goals.every((other) => other === goal || this.excludes(facts, place, other)),
    );
    return isProven || this.gap(claim, 'oneOf');
  }

  #isNot(claim: Claim): boolean {
    const not = claim.goal.one('not');
    if (!not) return true;
    return this.excludes(claim.facts, claim.place, not) || this.gap(claim, 'not');
  }

  #conditionHolds(claim: Claim): boolean {
    const { facts, place, goal } = claim;
    const [condition, then, otherwise] = [goal.one('if'), goal.one('then'), goal.one('else')];
    if (!condition) return true;
    const holdsIn = (nodes: Iterable<SchemaNode>, refuted: Iterable<SchemaNode>, branch: SchemaNode) =>
      casesOf(facts.type, nodes, refuted, this.evaluator)
        .map((both) => this.isImpossible(both, place) || this.holds({ ...claim, facts: both, goal: branch }))
        .every(Boolean);
    const { holding, refuted } = facts;
    return (
      (!then || holdsIn([...holding, condition], refuted, then)) &&
      (!otherwise || holdsIn(holding, [...refuted, condition], otherwise))
    );
  }
}
