// Which properties a schema names, place by place. Writers are taken to produce no others, unless the topic says so:
// a schema that is open for all is so by habit, and nobody could ever add a property to it.
//
// A property is named where any schema that stands for the place, in whatever branch of it, has it in `properties`,
// `required`, `dependencies`, `const` or `enum`, has a pattern for it, or a schema that says something for all
// others (`additionalProperties`).

import { isList, isObject, type Json, member } from './json-value';
import type { Evaluator } from './evaluate';
import type { SchemaNode } from './schema-node';

export interface Place {
  /** Equal ids are equal places. */
  readonly id: string;
  /** Whether an object in this place can have a property of this name. */
  names(property: string): boolean;
  /** Names that are spelled out. */
  readonly spelled: ReadonlySet<string>;
  /** Whether there can be properties whose names are not spelled out. */
  readonly hasOthers: boolean;
  property(name: string): Place;
  /** The place of any property whose name is not spelled out. */
  other(): Place;
  element(index: number): Place;
  /** The place of an element whose index is not known. */
  anyElement(): Place;
}

/** Every property counts as produced. */
export const anyPlace: Place = {
  id: '*',
  names: () => true,
  spelled: new Set(),
  hasOthers: true,
  property: () => anyPlace,
  other: () => anyPlace,
  element: () => anyPlace,
  anyElement: () => anyPlace,
};

export function namedPlace(root: SchemaNode, evaluator: Evaluator): Place {
  return new NamedPlace([root], [], evaluator);
}

/** Whether a document holds only properties that the schema names. */
export function holdsOnlyNamed(place: Place, value: Json): boolean {
  if (isList(value)) {
    return value.every((element, index) => holdsOnlyNamed(place.element(index), element));
  }
  if (!isObject(value)) return true;
  return Object.entries(value).every(
    ([name, inner]) => place.names(name) && holdsOnlyNamed(place.property(name), inner),
  );
}

class NamedPlace implements Place {
  readonly id: string;
  readonly spelled: ReadonlySet<string>;
  readonly hasOthers: boolean;
  readonly #nodes: readonly SchemaNode[];
  /** What `const` and `enum` spell out. */
  readonly #values: readonly Json[];
  readonly #evaluator: Evaluator;

  constructor(nodes: readonly SchemaNode[], values: readonly Json[], evaluator: Evaluator) {
    this.#nodes = withAllBranches(nodes);
    this.#values = [...values, ...this.#nodes.flatMap((node) => node.values ?? [])];
    this.#evaluator = evaluator;
    this.id = `${this.#nodes
      .map(({ id }) => id)
      .sort()
      .join(' ')} ${values.map((value) => JSON.stringify(value)).join(' ')}`;
    this.spelled = new Set([...this.#nodes.flatMap(spelledNames), ...this.#values.flatMap(namesOf)]);
    this.hasOthers = this.#nodes.some(
      (node) => node.map('patternProperties').size > 0 || describesOthers(node),
    );
  }

  names(property: string): boolean {
    if (this.spelled.has(property)) return true;
    return this.#nodes.some(
      (node) =>
        describesOthers(node) ||
        [...node.map('patternProperties').keys()].some(
          (pattern) => this.#evaluator.matches(pattern, property) !== false,
        ),
    );
  }

  property(name: string): Place {
    const nodes = this.#nodes.flatMap((node) => {
      const named = node.map('properties').get(name);
      const matching = [...node.map('patternProperties')].filter(
        ([pattern]) => this.#evaluator.matches(pattern, name) !== false,
      );
      return [
        ...(named ? [named] : []),
        ...matching.map(([, schema]) => schema),
        ...(named ? [] : oneOrNone(node, 'additionalProperties')),
      ];
    });
    const values = this.#values.flatMap((value) => (isObject(value) ? (member(value, name) ?? []) : []));
    return new NamedPlace(nodes, values, this.#evaluator);
  }

  other(): Place {
    const nodes = this.#nodes.flatMap((node) => [
      ...node.map('patternProperties').values(),
      ...oneOrNone(node, 'additionalProperties'),
    ]);
    return new NamedPlace(nodes, [], this.#evaluator);
  }

  element(index: number): Place {
    const nodes = this.#nodes.flatMap((node) => {
      const element = node.element(index);
      return [...(element ? [element] : []), ...oneOrNone(node, 'contains')];
    });
    const values = this.#values.flatMap((value) => (isList(value) ? value.slice(index, index + 1) : []));
    return new NamedPlace(nodes, values, this.#evaluator);
  }

  anyElement(): Place {
    const nodes = this.#nodes.flatMap((node) => [
      ...(node.list('items') ?? []),
      ...['items', 'additionalItems', 'contains'].flatMap((keyword) => oneOrNone(node, keyword)),
    ]);
    const values = this.#values.flatMap((value) => (isList(value) ? value : []));
    return new NamedPlace(nodes, values, this.#evaluator);
  }
}

function oneOrNone(node: SchemaNode, keyword: string): readonly SchemaNode[] {
  const found = node.one(keyword);
  return found ? [found] : [];
}

/** Every schema that may stand for the same place: through references and all branches. */
function withAllBranches(nodes: readonly SchemaNode[]): readonly SchemaNode[] {
  const found = new Set<SchemaNode>();
  const open = [...nodes];
  for (let node = open.pop(); node; node = open.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    for (const keyword of ['allOf', 'anyOf', 'oneOf']) open.push(...(node.list(keyword) ?? []));
    for (const keyword of ['if', 'then', 'else', 'not']) open.push(...oneOrNone(node, keyword));
    open.push(...node.map('dependencies').values(), ...(node.target ? [node.target] : []));
  }
  return [...found];
}

function spelledNames(node: SchemaNode): readonly string[] {
  return [
    ...node.map('properties').keys(),
    ...node.required,
    ...node.map('dependencies').keys(),
    ...[...node.namesRequiredBy].flatMap(([name, names]) => [name, ...names]),
    ...(node.one('propertyNames')?.values ?? []).filter((name) => typeof name === 'string'),
  ];
}

function namesOf(value: Json): readonly string[] {
  return isObject(value) ? Object.keys(value) : [];
}

/** `additionalProperties: true` is what every schema says that says nothing. */
function describesOthers(node: SchemaNode): boolean {
  const additional = node.one('additionalProperties');
  return additional !== undefined && additional.schema !== false && !additional.isTrivial;
}
