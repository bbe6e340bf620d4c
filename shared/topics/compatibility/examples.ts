// Made-up values that should match schemas: candidates for witnesses. Each kind of value is tried at its limits,
// those of its own schema and those of the other one.

import type { Evaluator } from './evaluate';
import { casesOf, type Facts, numberBounds, requiredNames, sizeBounds } from './facts';
import { isList, type Json, jsonTypes } from './json-value';
import type { Place } from './place';
import { elementOf, propertyOf } from './parts';
import type { Step } from './claim';
import type { SchemaDocument, SchemaNode } from './schema-node';
import { formatExample, patternExample, pick, type Random } from './text-examples';

/** What the schemas that are compared spell out. */
export interface Hints {
  readonly numbers: readonly number[];
  readonly sizes: readonly number[];
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

const maxDepth = 12;
const maxSize = 300;
const otherNames = ['other', 'x', 'a1', 'Other-1', '_'];

/** Values that are made up for one document, and for all of them. */
const maxPartsOfDocument = 100;
const maxParts = 10_000;
/** Cases of one value that are tried. */
const maxTried = 4;

/** A part of the value that is given. */
interface Given {
  readonly step: Step;
  readonly value: Json;
}

export class Examples {
  readonly #evaluator: Evaluator;
  readonly #random: Random;
  readonly #hints: Hints;
  /** How likely an optional part is there. */
  #fullness = 0;
  #partsOfDocument = 0;
  #parts = 0;
  readonly #cases = new Map<string, readonly Facts[]>();

  constructor(evaluator: Evaluator, random: Random, hints: Hints) {
    this.#evaluator = evaluator;
    this.#random = random;
    this.#hints = hints;
  }

  /** Begins a document. */
  start(fullness: number): void {
    this.#fullness = fullness;
    this.#parts += this.#partsOfDocument;
    this.#partsOfDocument = 0;
  }

  /** Whether so much has been made up that it is enough. */
  get isExhausted(): boolean {
    return this.#parts > maxParts;
  }

  /** A value that should match all of some schemas. */
  ofSchemas(nodes: readonly SchemaNode[], place: Place, depth = 0): Json | undefined {
    if (depth > maxDepth || ++this.#partsOfDocument > maxPartsOfDocument) return undefined;
    const cases = this.#casesOf(nodes);
    // Deep inside, the simplest comes first.
    const first = depth > maxDepth / 2 ? 0 : Math.floor(this.#random() * cases.length);
    for (let tried = 0; tried < Math.min(cases.length, maxTried); tried++) {
      const facts = cases[(first + tried) % cases.length];
      const value = facts && this.ofFacts(facts, place, depth);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #casesOf(nodes: readonly SchemaNode[]): readonly Facts[] {
    const key = nodes.map(({ id }) => id).join(' ');
    const cases =
      this.#cases.get(key) ?? jsonTypes.flatMap((type) => casesOf(type, nodes, [], this.#evaluator));
    this.#cases.set(key, cases);
    return cases;
  }

  ofFacts(facts: Facts, place: Place, depth = 0, given?: Given, goal?: SchemaNode): Json | undefined {
    if (facts.values) return pick(facts.values, this.#random);
    switch (facts.type) {
      case 'number':
        return this.#fitting(facts, this.#numbers(facts, goal));
      case 'string':
        return this.#fitting(facts, this.#texts(facts, goal));
      case 'array':
        return this.#list(facts, place, depth, given);
      case 'object':
        return this.#object(facts, place, depth, given);
      case 'null':
        return null;
      case 'boolean':
        return false;
    }
  }

  /** One of some candidates, unless it is known not to match. */
  #fitting<Value extends Json>({ holding }: Facts, candidates: readonly Value[]): Value | undefined {
    const fits = (value: Value) =>
      ![...holding].some((node) => this.#evaluator.evaluate(node, value) === false);
    for (let attempt = 0; attempt < 12; attempt++) {
      const value = pick(candidates, this.#random);
      if (value !== undefined && fits(value)) return value;
    }
    return candidates.find(fits);
  }

  #numbers(facts: Facts, goal: SchemaNode | undefined): readonly number[] {
    const { min, max, divisors } = numberBounds(facts.holding);
    const limits = [min, max, ...(goal ? numbersOf(goal) : this.#hints.numbers)].filter(Number.isFinite);
    const around = limits.flatMap((limit) => [limit, limit - 1, limit + 1, limit + 0.5, limit - 0.5]);
    const start = Number.isFinite(min) ? min : 0;
    const multiples = divisors.flatMap((divisor) =>
      [0, 1, 2, 3, 7].map((factor) => (Math.ceil(start / divisor) + factor) * divisor),
    );
    const all = [...around, ...multiples, 0, 1, -1, 0.5, 1.25, 7, 1e21];
    return [...new Set(all)].filter(Number.isFinite);
  }

  #texts({ holding }: Facts, goal: SchemaNode | undefined): readonly string[] {
    const { min, max } = sizeBounds(holding, 'Length');
    const nodes = [...holding];
    const patterns = nodes.flatMap((node) => node.text('pattern') ?? []);
    const formats = nodes.flatMap((node) => node.text('format') ?? []);
    const sizes = [min, max, ...(goal ? sizesOf(goal) : this.#hints.sizes)].flatMap((size) => [
      ...[size, size - 1, size + 1],
    ]);
    return [
      ...patterns.flatMap((pattern) => patternExample(pattern, this.#random) ?? []),
      ...formats.flatMap((format) => formatExample(format, this.#random) ?? []),
      ...sizes.filter((size) => size >= 0 && size <= maxSize).map((size) => 'a'.repeat(size)),
      ...this.#hints.texts,
      ...['', 'a', 'A', '0', ' ', 'a b', '\u{1f600}'],
    ];
  }

  #list(facts: Facts, place: Place, depth: number, given: Given | undefined): Json | undefined {
    const nodes = [...facts.holding];
    const { min, max } = sizeBounds(facts.holding, 'Items');
    const index = given && 'element' in given.step ? given.step.element : undefined;
    const least = Math.max(
      min,
      index === undefined ? 0 : index + 1,
      nodes.some((node) => node.one('contains')) ? 1 : 0,
    );
    const longest = nodes.map((node) => (node.list('items')?.length ?? 0) + 1);
    const sizes = [
      least,
      least + 1,
      least + 2,
      ...longest,
      ...this.#hints.sizes,
      ...this.#hints.sizes.map((size) => size + 1),
    ];
    const length =
      this.#fullness === 0
        ? least
        : (pick(
            sizes.filter((size) => size >= least && size <= max),
            this.#random,
          ) ?? least);
    if (length > maxSize) return undefined;
    const list: Json[] = [];
    const contained = nodes.flatMap((node) => node.one('contains') ?? []);
    for (let at = 0; at < length; at++) {
      const element = elementOf(nodes, at);
      const wanted = at === (index === 0 ? 1 : 0) || length === 1 ? [...element, ...contained] : element;
      const isRepeated = at > 0 && this.#fullness > 0 && this.#random() < 0.2;
      const made = isRepeated ? list[at - 1] : this.ofSchemas(wanted, place.element(at), depth + 1);
      const value = at === index ? given?.value : made;
      if (value === undefined) {
        if (list.length >= least) break;
        return undefined;
      }
      list.push(value);
    }
    return list;
  }

  #object(facts: Facts, place: Place, depth: number, given: Given | undefined): Json | undefined {
    const { min } = sizeBounds(facts.holding, 'Properties');
    const givenName = given && this.#nameOf(given.step, facts);
    const optional = this.#optionalNames(facts, place).filter(() => this.#random() < this.#fullness);
    const wanted = [
      ...(givenName === undefined ? [] : [givenName]),
      ...(depth > maxDepth / 2 ? [] : optional),
    ];
    // What they bring along by `dependencies` has to be there too.
    const required = [...facts.holding][0]?.document.made({ required: wanted });
    const cases = casesOf(
      'object',
      [...facts.holding, ...(required ? [required] : [])],
      facts.refuted,
      this.#evaluator,
    );
    const chosen = pick(cases, this.#random) ?? facts;
    const names = new Set([...requiredNames(chosen.holding), ...wanted]);
    for (const name of [...this.#optionalNames(facts, place), ...otherNames]) {
      if (names.size >= min) break;
      names.add(name);
    }
    const members: [string, Json][] = [];
    for (const name of names) {
      const nodes = propertyOf(chosen.holding, name, this.#evaluator);
      const value =
        name === givenName ? given?.value : this.ofSchemas(nodes, place.property(name), depth + 1);
      if (value !== undefined) members.push([name, value]);
      else if (requiredNames(facts.holding).has(name)) return undefined;
    }
    return Object.fromEntries(members);
  }

  #optionalNames(facts: Facts, place: Place): readonly string[] {
    const patterns = [...facts.holding].flatMap((node) => [...node.map('patternProperties').keys()]);
    const made = patterns.flatMap((pattern) => patternExample(pattern, this.#random) ?? []);
    const spelled = [...facts.holding].flatMap((node) => [...node.map('properties').keys()]);
    const names = new Set([
      ...spelled,
      ...made,
      ...(place.hasOthers ? otherNames.slice(0, 2) : []),
      ...this.#hints.names.slice(0, 50),
    ]);
    const nameFacts = [...facts.holding].flatMap((node) => node.one('propertyNames') ?? []);
    return [...names].filter(
      (name) =>
        place.names(name) && nameFacts.every((node) => this.#evaluator.evaluate(node, name) !== false),
    );
  }

  #nameOf(step: Step, facts: Facts): string | undefined {
    if ('property' in step) return step.property;
    if ('element' in step) return undefined;
    if (step.pattern !== '') return patternExample(step.pattern, this.#random);
    const patterns = [...facts.holding].flatMap((node) => [...node.map('patternProperties').keys()]);
    const made = patterns.flatMap((pattern) => patternExample(pattern, this.#random) ?? []);
    return pick([...otherNames, ...made], this.#random);
  }
}

function numbersOf(node: SchemaNode): readonly number[] {
  const keywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'];
  return keywords.flatMap((keyword) => node.number(keyword) ?? []);
}

function sizesOf(node: SchemaNode): readonly number[] {
  const names = ['Length', 'Items', 'Properties'];
  return names.flatMap((name) => [node.number(`min${name}`) ?? [], node.number(`max${name}`) ?? []].flat());
}

/** Hints from everything that both schemas spell out; at most some hundreds. */
export function hintsOf(documents: readonly SchemaDocument[]): Hints {
  const hints = {
    numbers: new Set<number>(),
    sizes: new Set<number>(),
    texts: new Set<string>(),
    names: new Set<string>(),
  };
  const open = documents.map(({ root }) => root);
  const seen = new Set<SchemaNode>();
  for (let node = open.pop(); node && seen.size < 2_000; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    numbersOf(node).forEach((one) => hints.numbers.add(one));
    sizesOf(node).forEach((one) => hints.sizes.add(one));
    const examples = node.get('examples');
    for (const value of [
      ...(node.values ?? []),
      node.get('default'),
      ...(isList(examples) ? examples : []),
    ]) {
      if (typeof value === 'number') hints.numbers.add(value);
      if (typeof value === 'string' && value.length <= maxSize) hints.texts.add(value);
    }
    [...node.map('properties').keys(), ...node.required].forEach((name) => hints.names.add(name));
    open.push(...node.children);
  }
  const few = <Item>(items: Set<Item>) => [...items].slice(0, 200);
  return {
    numbers: few(hints.numbers),
    sizes: few(hints.sizes),
    texts: few(hints.texts),
    names: few(hints.names),
  };
}
