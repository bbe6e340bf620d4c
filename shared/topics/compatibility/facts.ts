// What is known of a value of one type that matches some schemas: the schemas taken apart into cases, in each of
// which a set of schemas holds and another set does not. A case that cannot be is left out; where there would be too
// many cases, less is known, which makes no proof wrong.

import type { Evaluator } from './evaluate';
import { isWhole } from './evaluate';
import { isMultipleOf } from './decimal';
import { type Json, jsonEqual, type JsonType, typeOf } from './json-value';
import { allowsType, type SchemaNode } from './schema-node';

export interface Facts {
  readonly type: JsonType;
  readonly holding: ReadonlySet<SchemaNode>;
  readonly refuted: ReadonlySet<SchemaNode>;
  /** All values that are possible, where they are few. */
  readonly values: readonly Json[] | undefined;
}

interface Option {
  readonly hold: readonly SchemaNode[];
  readonly refute: readonly SchemaNode[];
}

interface Draft {
  readonly todo: SchemaNode[];
  readonly holding: Set<SchemaNode>;
  readonly refuted: Set<SchemaNode>;
  /** Of each list one option is true. */
  readonly choices: (readonly Option[])[];
  values: readonly Json[] | undefined;
}

/** Most cases of one value that are looked at each for itself. */
const maxCases = 100;
/** Most whole numbers between two bounds that are looked at each for itself. */
const maxEnumerated = 32;

/** All cases of values of a type that match every schema of a list, and none of another. */
export function casesOf(
  type: JsonType,
  nodes: Iterable<SchemaNode>,
  refuted: Iterable<SchemaNode>,
  evaluator: Evaluator,
): readonly Facts[] {
  const done: Facts[] = [];
  const first: Draft = {
    todo: [...nodes].reverse(),
    holding: new Set(),
    refuted: new Set(refuted),
    choices: [],
    values: undefined,
  };
  const open = [first];
  for (let draft = open.pop(); draft; draft = open.pop()) {
    if (!takeApart(draft, type)) continue;
    const options = draft.choices.shift();
    if (options) {
      const known = draft;
      const isDecided = options.some(
        ({ hold, refute }) =>
          hold.every((node) => known.holding.has(node)) && refute.every((node) => known.refuted.has(node)),
      );
      const isTooMany = open.length + done.length + options.length > maxCases;
      open.push(...(isDecided || isTooMany ? [draft] : options.map((option) => choose(known, option))));
      continue;
    }
    const facts = finish(draft, type, evaluator);
    if (facts) done.push(facts);
  }
  return done;
}

function choose(draft: Draft, { hold, refute }: Option): Draft {
  return {
    todo: [...hold],
    holding: new Set(draft.holding),
    refuted: new Set([...draft.refuted, ...refute]),
    choices: [...draft.choices],
    values: draft.values,
  };
}

/** @returns false when the case cannot be */
function takeApart(draft: Draft, type: JsonType): boolean {
  for (;;) {
    const node = draft.todo.pop();
    if (!node) {
      const more = type === 'object' ? dependents(draft) : [];
      if (more.length === 0) return true;
      draft.todo.push(...more);
      continue;
    }
    if (draft.holding.has(node)) continue;
    draft.holding.add(node);
    if (node.schema === false || !allowsType(node.types, type)) return false;
    const { values } = node;
    if (values) {
      const possible = (draft.values ?? values).filter(
        (value) => typeOf(value) === type && values.some((one) => jsonEqual(one, value)),
      );
      if (possible.length === 0) return false;
      draft.values = possible;
    }
    if (node.target) draft.todo.push(node.target);
    draft.todo.push(...(node.list('allOf') ?? []));
    const not = node.one('not');
    if (not) draft.refuted.add(not);
    draft.choices.push(...choicesOf(node));
  }
}

function choicesOf(node: SchemaNode): (readonly Option[])[] {
  const choices: (readonly Option[])[] = [];
  const anyOf = node.alternatives ?? node.list('anyOf');
  if (anyOf) choices.push(anyOf.map((one) => ({ hold: [one], refute: [] })));
  const oneOf = node.list('oneOf');
  if (oneOf) {
    choices.push(oneOf.map((one) => ({ hold: [one], refute: oneOf.filter((other) => other !== one) })));
  }
  const [condition, then, otherwise] = [node.one('if'), node.one('then'), node.one('else')];
  if (condition && (then ?? otherwise)) {
    choices.push([
      { hold: [condition, ...(then ? [then] : [])], refute: [] },
      { hold: otherwise ? [otherwise] : [], refute: [condition] },
    ]);
  }
  return choices;
}

/** What must hold because a required property brings it along. */
function dependents({ holding }: Draft): readonly SchemaNode[] {
  const required = requiredNames(holding);
  return [...holding]
    .flatMap((node) => [
      ...[...node.map('dependencies')].flatMap(([name, schema]) => (required.has(name) ? [schema] : [])),
      ...[...node.namesRequiredBy].flatMap(([name, names]) =>
        required.has(name) && !names.every((one) => required.has(one))
          ? [node.document.made({ required: names })]
          : [],
      ),
    ])
    .filter((node) => !holding.has(node));
}

function finish(draft: Draft, type: JsonType, evaluator: Evaluator): Facts | undefined {
  const { holding, refuted } = draft;
  let values = draft.values ?? fewValues(type, holding);
  if (values) {
    values = values.filter(
      (value) =>
        ![...holding].some((node) => evaluator.evaluate(node, value) === false) &&
        ![...refuted].some((node) => evaluator.evaluate(node, value) === true),
    );
    if (values.length === 0) return undefined;
  }
  if (type === 'number' && isImpossible(numberBounds(holding))) return undefined;
  const sizes = sizeNames[type];
  if (sizes) {
    const { min, max } = sizeBounds(holding, sizes);
    if (min > max) return undefined;
  }
  return { type, holding, refuted, values };
}

function fewValues(type: JsonType, holding: ReadonlySet<SchemaNode>): readonly Json[] | undefined {
  if (type === 'null') return [null];
  if (type === 'boolean') return [false, true];
  if (type !== 'number') return undefined;
  const { min, max, isInteger } = numberBounds(holding);
  const [first, last] = [Math.ceil(min), Math.floor(max)];
  if (!isInteger || last - first >= maxEnumerated || !Number.isSafeInteger(first)) return undefined;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

export interface NumberBounds {
  readonly min: number;
  /** Whether `min` itself is excluded. */
  readonly isAbove: boolean;
  readonly max: number;
  /** Whether `max` itself is excluded. */
  readonly isBelow: boolean;
  readonly isInteger: boolean;
  readonly divisors: readonly number[];
}

export function numberBounds(holding: ReadonlySet<SchemaNode>): NumberBounds {
  let [min, max, isAbove, isBelow, isInteger] = [-Infinity, Infinity, false, false, false];
  const divisors: number[] = [];
  for (const node of holding) {
    const least = node.number('minimum') ?? -Infinity;
    if (least > min) [min, isAbove] = [least, false];
    const above = node.number('exclusiveMinimum');
    if (above !== undefined && (above > min || above === min)) [min, isAbove] = [above, true];
    const most = node.number('maximum') ?? Infinity;
    if (most < max) [max, isBelow] = [most, false];
    const below = node.number('exclusiveMaximum');
    if (below !== undefined && (below < max || below === max)) [max, isBelow] = [below, true];
    const { types } = node;
    const divisor = node.number('multipleOf');
    if (divisor !== undefined) divisors.push(divisor);
    if ((types && !types.includes('number')) || (divisor !== undefined && isMultipleOf(divisor, 1))) {
      isInteger = true;
    }
  }
  return { min, isAbove, max, isBelow, isInteger, divisors };
}

function isImpossible({ min, isAbove, max, isBelow, isInteger }: NumberBounds): boolean {
  if (min > max || (min === max && (isAbove || isBelow))) return true;
  return isInteger && min === max && !isWhole(min);
}

/** Keywords that limit the size of values of a type. */
export const sizeNames: Readonly<Partial<Record<JsonType, SizeName>>> = {
  string: 'Length',
  array: 'Items',
  object: 'Properties',
};
export type SizeName = 'Length' | 'Items' | 'Properties';

export function sizeBounds(
  holding: ReadonlySet<SchemaNode>,
  name: SizeName,
): { readonly min: number; readonly max: number } {
  const nodes = [...holding];
  const min = Math.max(0, ...nodes.map((node) => node.number(`min${name}`) ?? 0));
  const max = Math.min(Infinity, ...nodes.map((node) => node.number(`max${name}`) ?? Infinity));
  return { min: name === 'Properties' ? Math.max(min, requiredNames(holding).size) : min, max };
}

export function requiredNames(holding: ReadonlySet<SchemaNode>): ReadonlySet<string> {
  return new Set([...holding].flatMap(({ required }) => required));
}
