// Compares two JSON Schemas: a proof first, and where it has gaps, a search for documents that show a difference.

import type { Gap } from './claim';
import {
  type Comparison,
  confirm,
  type Direction,
  type Finding,
  maxFindings,
  refusing,
  together,
  type Unproven,
  type Validators,
} from './comparison';
import { Evaluator, type PatternSearch } from './evaluate';
import { Examples, hintsOf } from './examples';
import { isLargerThan, type Json } from './json-value';
import { anyPlace, holdsOnlyNamed, namedPlace, type Place } from './place';
import { Proof } from './proof';
import { SchemaDocument, type SchemaNode } from './schema-node';
import type { Random } from './text-examples';

export interface JsonSchemaPair {
  readonly oldSchema: Json;
  readonly newSchema: Json;
  readonly directions: readonly Direction[];
  /** Whether writers are taken to produce properties that their schema does not name. */
  readonly unknownProperties: boolean;
}

export interface ComparisonTools {
  readonly validators: Validators;
  readonly isFound: PatternSearch;
  /** Once true, what has been found is what there is. */
  readonly isOutOfTime: () => boolean;
}

const proofLimits = { maxSteps: 20_000, maxGaps: 40 };
/** Candidates for each gap, and for the whole when no gap leads to a witness. */
const attemptsPerGap = 18;
const attemptsPerFurtherGap = 6;
/** Candidates that could not be made up at all, after which a gap is left. */
const maxFailures = 6;
const attemptsAtLarge = 60;
const maxConfirmations = 100;
/** Parts and characters of a witness: it is for people. */
const maxWitnessSize = 10_000;

export function compareJsonSchemas(pair: JsonSchemaPair, tools: ComparisonTools): Comparison {
  const documents = {
    old: new SchemaDocument('old', pair.oldSchema),
    new: new SchemaDocument('new', pair.newSchema),
  };
  const evaluator = new Evaluator(tools.isFound);
  const comparisons = pair.directions.map((direction): Comparison => {
    const [assumed, goal] =
      direction === 'backward' ? [documents.old, documents.new] : [documents.new, documents.old];
    const place = pair.unknownProperties ? anyPlace : namedPlace(assumed.root, evaluator);
    const proof = new Proof(evaluator, { ...proofLimits, isOutOfTime: tools.isOutOfTime });
    if (proof.run(assumed.root, place, goal.root))
      return { verdict: 'compatible', findings: [], unproven: [] };
    const examples = new Examples(evaluator, seededRandom(), hintsOf([assumed, goal]));
    const search = new WitnessSearch(
      { assumed: assumed.root, goal: goal.root, place, direction },
      evaluator,
      examples,
      tools,
    );
    const findings = search.run(proof.gaps);
    if (findings.length > 0) return { verdict: 'incompatible', findings, unproven: [] };
    return { verdict: 'unknown', findings: [], unproven: toUnproven(proof.gaps, direction) };
  });
  return together(comparisons);
}

interface Question {
  readonly assumed: SchemaNode;
  readonly goal: SchemaNode;
  readonly place: Place;
  readonly direction: Direction;
}

class WitnessSearch {
  readonly #findings = new Map<string, Finding>();
  #confirmations = 0;

  constructor(
    private readonly question: Question,
    private readonly evaluator: Evaluator,
    private readonly examples: Examples,
    private readonly tools: ComparisonTools,
  ) {}

  run(gaps: readonly Gap[]): readonly Finding[] {
    for (const gap of gaps) this.#searchAround(gap);
    for (
      let attempt = 0;
      attempt < attemptsAtLarge && this.#findings.size === 0 && !this.#isOver;
      attempt++
    ) {
      this.examples.start((attempt % 5) / 4);
      this.#try(this.examples.ofSchemas([this.question.assumed], this.question.place));
    }
    return [...this.#findings.values()];
  }

  #searchAround(gap: Gap): void {
    // One witness is an answer; more of them only say more.
    const attempts = this.#findings.size === 0 ? attemptsPerGap : attemptsPerFurtherGap;
    let failures = 0;
    for (let attempt = 0; attempt < attempts && failures < maxFailures && !this.#isOver; attempt++) {
      this.examples.start([0, 0.5, 1][attempt % 3] ?? 0);
      const document = this.#around(gap);
      if (document === undefined) failures++;
      if (this.#try(document)) return;
    }
  }

  get #isOver(): boolean {
    return (
      this.#findings.size >= maxFindings ||
      this.#confirmations >= maxConfirmations ||
      this.examples.isExhausted ||
      this.tools.isOutOfTime()
    );
  }

  /** A document with a value where the proof has a gap. */
  #around(gap: Gap): Json | undefined {
    let value = this.examples.ofFacts(gap.facts, gap.place, 0, undefined, gap.goal);
    if (value === undefined || isLargerThan(value, maxWitnessSize)) return undefined;
    if (this.evaluator.evaluate(gap.goal, value) === true) return undefined;
    for (let trail = gap.trail; trail; trail = trail.above) {
      value = this.examples.ofFacts(trail.facts, trail.place, 0, { step: trail.step, value });
      if (value === undefined) return undefined;
    }
    return value;
  }

  /** Whether a document is a witness. */
  #try(document: Json | undefined): boolean {
    const { assumed, goal, place, direction } = this.question;
    if (
      document === undefined ||
      isLargerThan(document, maxWitnessSize) ||
      this.evaluator.evaluate(assumed, document) === false ||
      this.evaluator.evaluate(goal, document) === true ||
      !holdsOnlyNamed(place, document)
    ) {
      return false;
    }
    this.#confirmations++;
    const finding = confirm(JSON.stringify(document), direction, this.tools.validators);
    if (finding && !this.#findings.has(finding.pointer)) this.#findings.set(finding.pointer, finding);
    return finding !== undefined;
  }
}

function toUnproven(gaps: readonly Gap[], direction: Direction): readonly Unproven[] {
  if (gaps.length === 0) {
    return [{ pointer: '', reason: 'The schemas are too large, or too entangled, to be compared.' }];
  }
  const side = refusing(direction);
  const byPointer = new Map<string, Unproven>();
  for (const { goal, keyword } of gaps) {
    const pointer = keyword === '' ? goal.pointer : `${goal.pointer}/${keyword}`;
    const reason = `It is not proven that the ${side} version accepts everything here, and no document was found that it refuses.`;
    if (!pointer.startsWith('~')) byPointer.set(pointer, { pointer, reason });
  }
  return [...byPointer.values()].slice(0, maxFindings);
}

/** The same candidates every time, so that a verdict does not change from one call to the next (mulberry32). */
function seededRandom(): Random {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
