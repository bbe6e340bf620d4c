// A JSON Schema of draft 7 as a tree of nodes, each with its document and its place in it. References are followed
// inside the document only; keywords beside a reference do not exist (draft 7, §8.3).

import { isList, isObject, type Json, type JsonObject, type JsonType, member } from './json-value';

/** Keywords whose value is one schema. */
const single = [
  ...['additionalItems', 'additionalProperties', 'contains', 'propertyNames'],
  ...['not', 'if', 'then', 'else', 'items'],
];
const lists = ['allOf', 'anyOf', 'oneOf', 'items'];
const maps = ['properties', 'patternProperties', 'definitions', 'dependencies'];

export class SchemaNode {
  /** Its keywords; none of a boolean schema or of a reference. */
  readonly #keywords: ReadonlyMap<string, Json>;
  readonly reference: string | undefined;
  readonly #children = new Map<string, SchemaNode>();
  readonly #lists = new Map<string, readonly SchemaNode[] | undefined>();
  readonly #maps = new Map<string, ReadonlyMap<string, SchemaNode>>();

  /** @param alternatives set for a node of no document: at least one of them holds */
  constructor(
    readonly document: SchemaDocument,
    readonly pointer: string,
    readonly schema: Json,
    readonly alternatives?: readonly SchemaNode[],
  ) {
    const reference = isObject(schema) ? member(schema, '$ref') : undefined;
    this.reference = typeof reference === 'string' ? reference : undefined;
    // A map is asked far faster than objects of ever different shapes.
    this.#keywords = new Map(isObject(schema) && this.reference === undefined ? Object.entries(schema) : []);
  }

  /** Unique among the nodes of all documents that are compared. */
  get id(): string {
    return `${this.document.name}#${this.pointer}`;
  }

  get(keyword: string): Json | undefined {
    return this.#keywords.get(keyword);
  }

  number(keyword: string): number | undefined {
    const value = this.get(keyword);
    return typeof value === 'number' ? value : undefined;
  }

  text(keyword: string): string | undefined {
    const value = this.get(keyword);
    return typeof value === 'string' ? value : undefined;
  }

  /** The types that it names; undefined when it allows all. */
  get types(): readonly string[] | undefined {
    const type = this.get('type');
    if (type === undefined) return undefined;
    return (isList(type) ? type : [type]).filter((name) => typeof name === 'string');
  }

  /** The values of `enum` or `const`; undefined when it has neither. */
  get values(): readonly Json[] | undefined {
    const constant = this.get('const');
    if (constant !== undefined) return [constant];
    const values = this.get('enum');
    return isList(values) ? values : undefined;
  }

  get required(): readonly string[] {
    const required = this.get('required');
    return isList(required) ? required.filter((name) => typeof name === 'string') : [];
  }

  /** The schema under a keyword. */
  one(keyword: string): SchemaNode | undefined {
    const value = this.get(keyword);
    return value === undefined || isList(value) ? undefined : this.#child(`/${keyword}`, value);
  }

  /** The schemas in a keyword's list; undefined when it is none. */
  list(keyword: string): readonly SchemaNode[] | undefined {
    if (this.#lists.has(keyword)) return this.#lists.get(keyword);
    const value = this.get(keyword);
    const list = isList(value)
      ? value.map((schema, index) => this.#child(`/${keyword}/${index}`, schema))
      : undefined;
    this.#lists.set(keyword, list);
    return list;
  }

  /** The schemas in a keyword's map, by name; those of `dependencies` that are lists of names are left out. */
  map(keyword: string): ReadonlyMap<string, SchemaNode> {
    const known = this.#maps.get(keyword);
    if (known) return known;
    const value = this.get(keyword);
    const entries = isObject(value) ? Object.entries(value).filter(([, schema]) => !isList(schema)) : [];
    const map = new Map(
      entries.map(([name, schema]) => [name, this.#child(`/${keyword}/${escapeName(name)}`, schema)]),
    );
    this.#maps.set(keyword, map);
    return map;
  }

  /** The lists of names in `dependencies`. */
  get namesRequiredBy(): ReadonlyMap<string, readonly string[]> {
    const value = this.get('dependencies');
    const entries = isObject(value) ? Object.entries(value) : [];
    return new Map(
      entries.flatMap(([name, names]) =>
        isList(names) ? [[name, names.filter((one) => typeof one === 'string')] as const] : [],
      ),
    );
  }

  /** The schema of the element at an index of a list. */
  element(index: number): SchemaNode | undefined {
    const tuple = this.list('items');
    if (!tuple) return this.one('items');
    return tuple[index] ?? this.one('additionalItems');
  }

  /** Whether it says nothing at all. */
  get isTrivial(): boolean {
    if (this.alternatives) return false;
    return this.schema === true || (isObject(this.schema) && Object.keys(this.schema).length === 0);
  }

  /** What it refers to; undefined for what is not in its document. */
  get target(): SchemaNode | undefined {
    return this.reference === undefined ? undefined : this.document.resolve(this.reference);
  }

  /** Every schema directly inside it. */
  get children(): readonly SchemaNode[] {
    return [
      ...single.flatMap((keyword) => this.one(keyword) ?? []),
      ...lists.flatMap((keyword) => this.list(keyword) ?? []),
      ...maps.flatMap((keyword) => [...this.map(keyword).values()]),
    ];
  }

  #child(path: string, schema: Json): SchemaNode {
    const known = this.#children.get(path) ?? this.document.node(this.pointer + path, schema);
    this.#children.set(path, known);
    return known;
  }
}

export class SchemaDocument {
  readonly root: SchemaNode;
  readonly #nodes = new Map<string, SchemaNode>();
  /** Addresses of its own would make a reference mean something else. */
  readonly #hasInnerIds: boolean;

  /** @param name tells the documents of one comparison apart */
  constructor(
    readonly name: string,
    schema: Json,
  ) {
    this.root = this.node('', schema);
    this.#hasInnerIds = isObject(schema) && Object.values(schema).some(holdsId);
  }

  node(pointer: string, schema: Json): SchemaNode {
    const known = this.#nodes.get(pointer) ?? new SchemaNode(this, pointer, schema);
    this.#nodes.set(pointer, known);
    return known;
  }

  /** A schema that the document does not hold. */
  made(schema: JsonObject): SchemaNode {
    return this.node(`~${JSON.stringify(schema)}`, schema);
  }

  /** At least one of these holds. */
  anyOf(nodes: readonly SchemaNode[]): SchemaNode {
    const [first, ...others] = nodes;
    if (!first) return this.node('~false', false);
    if (others.length === 0) return first;
    const pointer = `~any(${nodes.map(({ id }) => id).join(' ')})`;
    const known = this.#nodes.get(pointer) ?? new SchemaNode(this, pointer, {}, nodes);
    this.#nodes.set(pointer, known);
    return known;
  }

  resolve(reference: string): SchemaNode | undefined {
    if (this.#hasInnerIds || !/^#(?:\/|$)/.test(reference)) return undefined;
    let value: Json | undefined = this.root.schema;
    let pointer = '';
    for (const part of reference.split('/').slice(1)) {
      const name = decode(part);
      if (name === undefined || typeof value !== 'object' || value === null) return undefined;
      value = isList(value) ? value[Number(name)] : member(value, name);
      pointer += `/${escapeName(name)}`;
    }
    return typeof value === 'boolean' || isObject(value) ? this.node(pointer, value) : undefined;
  }
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
}

/** A member's name inside a JSON pointer (RFC 6901 §3). */
function escapeName(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function holdsId(value: Json): boolean {
  if (isList(value)) return value.some(holdsId);
  return isObject(value) && (Object.hasOwn(value, '$id') || Object.values(value).some(holdsId));
}

/** Whether a schema with these type names allows values of a type; whole numbers are `number` here. */
export function allowsType(types: readonly string[] | undefined, type: JsonType): boolean {
  if (!types) return true;
  return types.includes(type) || (type === 'number' && types.includes('integer'));
}
