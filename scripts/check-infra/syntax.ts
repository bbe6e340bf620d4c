// The parts of a Bicep file that the checks look at, without punctuation: what tree-sitter's tree becomes in
// parse.ts. Types and values share one form, as they do in Bicep.

export interface Place {
  /** Path from the root of the repository. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface Fault {
  readonly at: Place;
  /** A sentence without its full stop. */
  readonly text: string;
}

type Node<Kind extends string, Parts> = { readonly kind: Kind; readonly at: Place } & Readonly<Parts>;

export interface Property {
  /** A literal, or an expression for an interpolated key. */
  readonly key: Expression;
  readonly value: Expression;
  readonly decorators: readonly Call[];
}

export type ObjectExpression = Node<'object', { properties: readonly Property[] }>;
export type Call = Node<'call', { name: string; arguments: readonly Expression[] }>;
/** `[for item in list: body]`, of values and of resources and modules. */
export type Loop = Node<
  'loop',
  { item: string; index: string | undefined; list: Expression; body: Expression }
>;

export type Expression =
  | ObjectExpression
  | Call
  | Loop
  | Node<'member', { object: Expression; property: string }>
  | Node<'literal', { value: string | number | boolean | null }>
  | Node<'text', { parts: readonly (string | Expression)[] }>
  | Node<'array', { items: readonly Expression[] }>
  | Node<'name', { name: string }>
  | Node<'index', { object: Expression; index: Expression }>
  | Node<'unary', { operator: string; operand: Expression }>
  | Node<'binary', { operator: string; left: Expression; right: Expression }>
  | Node<'ternary', { condition: Expression; then: Expression; otherwise: Expression }>
  | Node<'lambda', { parameters: readonly string[]; body: Expression }>
  // `if (condition) {…}` before the body of a resource or module.
  | Node<'if', { condition: Expression; body: Expression }>
  // `string`, `a[]`, `a?`, `a | b`: only the names in it and whether it may be absent are of interest.
  | Node<'type', { parts: readonly Expression[]; nullable: boolean }>;

export type DeclarationKind = 'param' | 'var' | 'type' | 'resource' | 'module' | 'output' | 'using';

export interface Declaration {
  readonly kind: DeclarationKind;
  readonly name: string;
  readonly at: Place;
  readonly decorators: readonly Call[];
  /** Of a param and an output. */
  readonly type?: Expression;
  readonly value?: Expression;
  /** Of a resource: `Type@version`; of a module and `using`: a path. */
  readonly reference?: string;
  readonly existing?: boolean;
}

export interface Import {
  readonly at: Place;
  readonly path: string;
  /** Name here → name there. */
  readonly names: ReadonlyMap<string, string>;
}

export interface BicepFile {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly declarations: readonly Declaration[];
  readonly imports: readonly Import[];
  readonly faults: readonly Fault[];
}

/** The text of a literal string, else undefined. */
export function literalText(expression: Expression | undefined): string | undefined {
  return expression?.kind === 'literal' && typeof expression.value === 'string'
    ? expression.value
    : undefined;
}

/** Whether a param may be left out. */
export function isOptional({ value, type }: Declaration): boolean {
  return value !== undefined || (type?.kind === 'type' && type.nullable);
}

/** Every expression directly inside another. */
export function childrenOf(expression: Expression): readonly Expression[] {
  return Object.entries(expression).flatMap(([name, part]: [string, unknown]) =>
    name === 'at' ? [] : expressionsIn(part),
  );
}

function expressionsIn(part: unknown): readonly Expression[] {
  if (Array.isArray(part)) return part.flatMap(expressionsIn);
  if (typeof part !== 'object' || part === null) return [];
  // A property has no kind: what is in it counts.
  return 'kind' in part ? [part as Expression] : Object.values(part).flatMap(expressionsIn);
}
