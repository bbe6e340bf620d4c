// Whether a value matches a schema, as far as that is certain without a validator: `undefined` is "not known".
// It serves the proof and the search for witnesses; no verdict shows a witness that validators have not confirmed.

import { isMultipleOf } from './decimal';
import {
  areDistinct,
  isList,
  isObject,
  type Json,
  jsonEqual,
  type JsonObject,
  lengthOf,
  typeOf,
} from './json-value';
import { allowsType, type SchemaNode } from './schema-node';

/** Port: whether a pattern of a schema is found in a text. */
export type PatternSearch = (pattern: string, text: string) => boolean;

export type Answer = boolean | undefined;

/** Deepest nesting of schemas that is followed. */
const maxDepth = 60;

export class Evaluator {
  constructor(private readonly isFound: PatternSearch) {}

  evaluate(node: SchemaNode, value: Json, depth = 0): Answer {
    if (depth > maxDepth) return undefined;
    if (node.alternatives) return any(node.alternatives.map((one) => this.evaluate(one, value, depth + 1)));
    if (typeof node.schema === 'boolean') return node.schema;
    if (node.reference !== undefined) return node.target && this.evaluate(node.target, value, depth + 1);
    return all([
      hasType(node.types, value),
      node.values ? node.values.some((one) => jsonEqual(one, value)) : true,
      ...this.#combinations(node, value, depth + 1),
      ...(typeof value === 'number' ? numberAnswers(node, value) : []),
      ...(typeof value === 'string' ? this.#textAnswers(node, value) : []),
      ...(isList(value) ? this.#listAnswers(node, value, depth + 1) : []),
      ...(isObject(value) ? this.#objectAnswers(node, value, depth + 1) : []),
    ]);
  }

  /** Whether a text contains a pattern; a pattern that cannot be used is never found out about. */
  matches(pattern: string, text: string): Answer {
    try {
      return this.isFound(pattern, text);
    } catch {
      return undefined;
    }
  }

  #combinations(node: SchemaNode, value: Json, depth: number): Answer[] {
    const each = (nodes: readonly SchemaNode[]) => nodes.map((one) => this.evaluate(one, value, depth));
    const answers: Answer[] = each(node.list('allOf') ?? []);
    const anyOf = node.list('anyOf');
    if (anyOf) answers.push(any(each(anyOf)));
    const oneOf = node.list('oneOf');
    if (oneOf) answers.push(exactlyOne(each(oneOf)));
    const not = node.one('not');
    if (not) answers.push(negate(this.evaluate(not, value, depth)));
    const condition = node.one('if');
    if (condition) {
      const holds = this.evaluate(condition, value, depth);
      const branch = (keyword: string) => {
        const found = node.one(keyword);
        return found ? this.evaluate(found, value, depth) : true;
      };
      if (holds === undefined) {
        const [then, otherwise] = [branch('then'), branch('else')];
        answers.push(then === otherwise ? then : undefined);
      } else answers.push(branch(holds ? 'then' : 'else'));
    }
    return answers;
  }

  #textAnswers(node: SchemaNode, text: string): Answer[] {
    const { minLength = 0, maxLength = Infinity } = limits(node, 'minLength', 'maxLength');
    const pattern = node.text('pattern');
    const length = minLength > 0 || maxLength < Infinity ? lengthOf(text) : 0;
    return [
      length >= minLength && length <= maxLength,
      pattern === undefined ? true : this.matches(pattern, text),
      // What a format means is the validators' affair.
      node.text('format') === undefined ? true : undefined,
    ];
  }

  #listAnswers(node: SchemaNode, list: readonly Json[], depth: number): Answer[] {
    const { minItems = 0, maxItems = Infinity } = limits(node, 'minItems', 'maxItems');
    const contains = node.one('contains');
    return [
      list.length >= minItems && list.length <= maxItems,
      node.get('uniqueItems') === true ? areDistinct(list) : true,
      ...list.map((element, index) => {
        const schema = node.element(index);
        return schema ? this.evaluate(schema, element, depth) : true;
      }),
      contains ? any(list.map((element) => this.evaluate(contains, element, depth))) : true,
    ];
  }

  #objectAnswers(node: SchemaNode, object: JsonObject, depth: number): Answer[] {
    const names = Object.keys(object);
    const { minProperties = 0, maxProperties = Infinity } = limits(node, 'minProperties', 'maxProperties');
    const propertyNames = node.one('propertyNames');
    const has = (name: string) => Object.hasOwn(object, name);
    return [
      names.length >= minProperties && names.length <= maxProperties,
      node.required.every(has),
      ...names.flatMap((name) => [
        ...this.#propertyAnswers(node, name, object[name] ?? null, depth),
        propertyNames ? this.evaluate(propertyNames, name, depth) : true,
      ]),
      ...[...node.namesRequiredBy].map(([name, required]) => !has(name) || required.every(has)),
      ...[...node.map('dependencies')].map(([name, schema]) =>
        has(name) ? this.evaluate(schema, object, depth) : true,
      ),
    ];
  }

  #propertyAnswers(node: SchemaNode, name: string, value: Json, depth: number): Answer[] {
    const answers: Answer[] = [];
    let isNamed = false;
    const named = node.map('properties').get(name);
    if (named) {
      isNamed = true;
      answers.push(this.evaluate(named, value, depth));
    }
    let mayBeNamed = false;
    for (const [pattern, schema] of node.map('patternProperties')) {
      const found = this.matches(pattern, name);
      if (found === undefined) {
        mayBeNamed = true;
        answers.push(this.evaluate(schema, value, depth) === true ? true : undefined);
      } else if (found) {
        isNamed = true;
        answers.push(this.evaluate(schema, value, depth));
      }
    }
    const additional = node.one('additionalProperties');
    if (additional && !isNamed) {
      const answer = this.evaluate(additional, value, depth);
      answers.push(mayBeNamed && answer !== true ? undefined : answer);
    }
    return answers;
  }
}

function limits<Name extends string>(node: SchemaNode, ...names: Name[]): Partial<Record<Name, number>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = node.number(name);
      return value === undefined ? [] : [[name, value]];
    }),
  ) as Partial<Record<Name, number>>;
}

export function hasType(types: readonly string[] | undefined, value: Json): boolean {
  if (!allowsType(types, typeOf(value))) return false;
  if (typeof value !== 'number' || !types || types.includes('number')) return true;
  return isWhole(value);
}

/** A number too large for a double counts as whole. */
export function isWhole(value: number): boolean {
  return Number.isInteger(value) || value === Infinity || value === -Infinity;
}

function numberAnswers(node: SchemaNode, value: number): boolean[] {
  const minimum = node.number('minimum') ?? -Infinity;
  const maximum = node.number('maximum') ?? Infinity;
  const above = node.number('exclusiveMinimum');
  const below = node.number('exclusiveMaximum');
  const divisor = node.number('multipleOf');
  return [
    value >= minimum && value <= maximum,
    above === undefined || value > above,
    below === undefined || value < below,
    divisor === undefined || isMultipleOf(value, divisor),
  ];
}

function all(answers: readonly Answer[]): Answer {
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}

function any(answers: readonly Answer[]): Answer {
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

function exactlyOne(answers: readonly Answer[]): Answer {
  const certain = answers.filter((answer) => answer === true).length;
  if (certain > 1) return false;
  return answers.includes(undefined) ? undefined : certain === 1;
}

function negate(answer: Answer): Answer {
  return answer === undefined ? undefined : !answer;
}
