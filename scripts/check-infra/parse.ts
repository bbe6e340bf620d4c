// Parses Bicep with tree-sitter and hands on what syntax.ts describes. Where the grammar is behind the language
// (no spread; a param of a .bicepparam file has no type) is told in docs/adr/0009-bicep-checker.md.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Language, type Node, Parser } from 'web-tree-sitter';
import { accessLast, build, type Chain } from './operators';
import type {
  BicepFile,
  Call,
  Declaration,
  DeclarationKind,
  Expression,
  Fault,
  Import,
  Place,
  Property,
} from './syntax';

export type ParseBicep = (path: string) => BicepFile;

export type ReadText = (path: string) => string;

/** @param root of the repository; paths are relative to it */
export const readFrom =
  (root: string): ReadText =>
  (path) =>
    readFileSync(join(root, path), 'utf8');

/** @param read by default from the file system */
export async function createParser(root: string, read: ReadText = readFrom(root)): Promise<ParseBicep> {
  await Parser.init();
  const grammar = join(root, 'node_modules', 'tree-sitter-bicep', 'tree-sitter-bicep.wasm');
  const parser = new Parser();
  parser.setLanguage(await Language.load(readFileSync(grammar)));
  return (path) => parseSource(parser, path, read(path));
}

function parseSource(parser: Parser, path: string, source: string): BicepFile {
  // The same length, so that places stay right.
  const readable = path.endsWith('.bicepparam') ? source.replaceAll(/^param(?= )/gm, 'var  ') : source;
  const tree = parser.parse(readable);
  if (!tree) throw new Error(`${path} cannot be parsed`);
  return new Reader(path, readable).file(tree.rootNode);
}

const named = (node: Node): Node[] => node.namedChildren.filter((child) => !child.type.endsWith('comment'));

class Reader {
  readonly #faults: Fault[] = [];

  constructor(
    private readonly path: string,
    private readonly text: string,
  ) {}

  file(root: Node): BicepFile {
    this.#findErrors(root);
    const declarations: Declaration[] = [];
    const imports: Import[] = [];
    let decorators: readonly Call[] = [];
    for (const node of named(root)) {
      if (node.type === 'decorators') decorators = this.#decorators(node);
      else if (node.type.startsWith('import')) imports.push(this.#import(node));
      else {
        const declaration = this.#declaration(node, decorators);
        if (declaration) declarations.push(declaration);
        decorators = [];
      }
    }
    return { path: this.path, declarations, imports, faults: this.#faults };
  }

  #place(node: Node): Place {
    return { file: this.path, line: node.startPosition.row + 1, column: node.startPosition.column + 1 };
  }

  #findErrors(node: Node): void {
    if (node.isError || node.isMissing) {
      const what = node.text.trim().split('\n')[0] ?? '';
      this.#faults.push({
        at: this.#place(node),
        text: `this cannot be read as Bicep: ${what || node.type}`,
      });
      return;
    }
    if (node.hasError) for (const child of node.children) this.#findErrors(child);
  }

  #decorators(node: Node): readonly Call[] {
    return named(node)
      .map((decorator) => this.#expression(named(decorator)[0]))
      .filter((expression) => expression.kind === 'call');
  }

  #import(node: Node): Import {
    const path = named(node).at(-1);
    const words = node.text.slice(0, node.text.lastIndexOf(' from '));
    const names = new Map<string, string>();
    const whole = /\*\s+as\s+(\w+)/.exec(words);
    if (whole?.[1]) names.set(whole[1], '*');
    else {
      for (const entry of (/\{([\s\S]*)\}/.exec(words)?.[1] ?? '').split(',')) {
        const [there = '', here = there] = entry.trim().split(/\s+as\s+/);
        if (there) names.set(here, there);
      }
    }
    return { at: this.#place(node), path: path ? this.#string(path) : '', names };
  }

  #declaration(node: Node, decorators: readonly Call[]): Declaration | undefined {
    const parts = named(node);
    const at = this.#place(node);
    const make = (kind: DeclarationKind, rest: Partial<Declaration> = {}, name = parts[0]?.text ?? '') => ({
      kind,
      name,
      at,
      decorators,
      ...rest,
    });
    const valueAt = (index: number) => {
      const part = parts[index];
      return part ? { value: this.#expression(part) } : {};
    };
    switch (node.type) {
      case 'parameter_declaration':
        return make('param', { type: this.#expression(parts[1]), ...valueAt(2) });
      case 'output_declaration':
        return make('output', { type: this.#expression(parts[1]), ...valueAt(2) });
      case 'variable_declaration':
        return make(this.path.endsWith('.bicepparam') && this.#wasParam(node) ? 'param' : 'var', valueAt(1));
      case 'type_declaration':
        return make('type', valueAt(1));
      case 'metadata_declaration':
        return make('metadata', valueAt(1));
      case 'target_scope_assignment':
        return make('targetScope', valueAt(0), 'targetScope');
      case 'using_statement':
        return make('using', parts[0] ? { reference: this.#string(parts[0]) } : {}, 'using');
      case 'resource_declaration':
      case 'module_declaration':
        return make(node.type === 'resource_declaration' ? 'resource' : 'module', {
          reference: parts[1] ? this.#string(parts[1]) : '',
          existing: node.children.some((child) => child.type === 'existing'),
          ...valueAt(2),
        });
      case 'user_defined_function': {
        const parameters = named(parts[1] ?? node).map((parameter) => ({
          name: named(parameter)[0]?.text ?? '',
          type: this.#expression(named(parameter)[1]),
        }));
        return make('func', { parameters, type: this.#expression(parts[2]), ...valueAt(3) });
      }
      default:
        return undefined;
    }
  }

  /** `param` was rewritten to `var` and two spaces. */
  #wasParam(node: Node): boolean {
    return this.text.slice(node.startIndex, node.startIndex + 6) === 'var   ';
  }

  #string(node: Node): string {
    const expression = this.#expression(node);
    return expression.kind === 'literal' ? String(expression.value) : node.text;
  }

  #expression(node: Node | undefined): Expression {
    const nowhere: Place = { file: this.path, line: 1, column: 1 };
    if (!node) return { kind: 'literal', value: null, at: nowhere };
    const at = this.#place(node);
    const parts = named(node);
    const first = () => this.#expression(parts[0]);
    const second = () => this.#expression(parts[1]);
    const field = (name: string) => this.#expression(node.childForFieldName(name) ?? undefined);
    switch (node.type) {
      case 'type':
      case 'parenthesized_type':
      case 'parenthesized_expression':
        return first();
      case 'number':
        return { kind: 'literal', value: Number(node.text), at };
      case 'boolean':
        return { kind: 'literal', value: node.text === 'true', at };
      case 'null':
        return { kind: 'literal', value: null, at };
      case 'string':
        return this.#text(node, at);
      case 'identifier':
      case 'property_identifier':
      case 'compatible_identifier':
        return { kind: 'name', name: node.text, at };
      case 'primitive_type':
        return { kind: 'primitive', name: node.text, at };
      case 'array_type':
        return { kind: 'array-type', item: first(), at };
      case 'nullable_type':
        return { kind: 'nullable', of: first(), at };
      case 'array':
        this.#refuseTouchingItems(parts);
        return { kind: 'array', items: parts.map((part) => this.#expression(part)), at };
      case 'object':
        return { kind: 'object', properties: this.#properties(parts), at };
      case 'member_expression':
      case 'subscript_expression':
      case 'binary_expression':
        return build(this.#chain(node));
      case 'call_expression':
        return {
          kind: 'call',
          name: (node.childForFieldName('function')?.text ?? '').replace(/^(az|sys)\./, ''),
          arguments: named(node.childForFieldName('arguments') ?? node).map((part) => this.#expression(part)),
          at,
        };
      case 'unary_expression':
        return {
          kind: 'unary',
          operator: node.childForFieldName('operator')?.text ?? '',
          operand: field('argument'),
          at,
        };
      case 'union_type':
        return parts
          .map((part) => this.#expression(part))
          .reduce((left, right) => ({ kind: 'binary', operator: '|', left, right, at }));
      case 'ternary_expression':
        return {
          kind: 'ternary',
          condition: field('condition'),
          then: field('consequence'),
          otherwise: field('alternative'),
          at,
        };
      case 'lambda_expression': {
        const parameters = parts[0]?.type === 'identifier' ? [parts[0]] : named(parts[0] ?? node);
        return { kind: 'lambda', parameters: parameters.map(({ text }) => text), body: second(), at };
      }
      case 'if_statement':
        return { kind: 'if', condition: first(), body: second(), at };
      case 'for_statement':
        return this.#loop(node, parts, at);
      default:
        if (!node.hasError) this.#faults.push({ at, text: `the checker does not know ${node.type}` });
        return { kind: 'literal', value: null, at };
    }
  }

  #chain(node: Node): Chain {
    const child = (name: string) => node.childForFieldName(name) ?? node;
    const at = this.#place(node);
    const has = (symbol: string) => node.children.some(({ type }) => type === symbol);
    if (node.type === 'binary_expression') {
      const left = this.#chain(child('left'));
      const right = this.#chain(child('right'));
      return {
        operands: [...left.operands, ...right.operands],
        operators: [...left.operators, child('operator').text, ...right.operators],
      };
    }
    if (node.type === 'member_expression') {
      const property = child('property').text;
      return accessLast(this.#chain(child('object')), (object) => ({
        kind: 'member',
        object,
        property,
        safe: has('.?'),
        at,
      }));
    }
    if (node.type === 'subscript_expression') {
      const index = this.#expression(child('index'));
      return accessLast(this.#chain(child('object')), (object) => ({
        kind: 'index',
        object,
        index,
        safe: has('?'),
        at,
      }));
    }
    const open = node.type === 'lambda_expression' || node.type === 'ternary_expression';
    return { operands: [{ expression: this.#expression(node), open }], operators: [] };
  }

  /** To the grammar `[f(x)]` and `[list[i]]` are two items each: it needs nothing between them. */
  #refuseTouchingItems(items: readonly Node[]): void {
    for (const [index, item] of items.entries()) {
      if (items[index + 1]?.startIndex !== item.endIndex) continue;
      this.#faults.push({ at: this.#place(item), text: 'the grammar reads two items here: write array(…)' });
    }
  }

  #loop(node: Node, parts: readonly Node[], at: Place): Expression {
    const [variable, list] = parts;
    const [item, index] = variable?.type === 'for_loop_parameters' ? named(variable) : [variable];
    return {
      kind: 'loop',
      item: item?.text ?? '',
      index: index?.text,
      list: this.#expression(list),
      body: this.#expression(node.childForFieldName('body') ?? undefined),
      at,
    };
  }

  #properties(parts: readonly Node[]): readonly Property[] {
    const properties: Property[] = [];
    let decorators: readonly Call[] = [];
    for (const part of parts) {
      if (part.type === 'decorators') {
        decorators = this.#decorators(part);
        continue;
      }
      const [key, value] = named(part);
      if (key?.type === 'resource_declaration') {
        this.#faults.push({
          at: this.#place(part),
          text: 'nested resources are not used here: name the parent',
        });
      } else if (key && value) {
        const name = this.#expression(key);
        properties.push({
          key: name.kind === 'name' ? { kind: 'literal', value: name.name, at: name.at } : name,
          value: this.#expression(value),
          decorators,
        });
      } else if (key && part.text.startsWith('*')) {
        const any: Expression = { kind: 'literal', value: '*', at: this.#place(part) };
        properties.push({ key: any, value: this.#expression(key), decorators });
      }
      decorators = [];
    }
    return properties;
  }

  /** Read from the source between the interpolations: the grammar drops white space beside them. */
  #text(node: Node, at: Place): Expression {
    const verbatim = node.text.startsWith("'''");
    const quote = verbatim ? 3 : 1;
    const from = node.startIndex + quote;
    const to = node.endIndex - quote;
    if (verbatim) return { kind: 'literal', value: this.text.slice(from, to).replace(/^\r?\n/, ''), at };
    const parts: (string | Expression)[] = [];
    let position = from;
    for (const interpolation of named(node).filter(({ type }) => type === 'interpolation')) {
      parts.push(unescape(this.text.slice(position, interpolation.startIndex)));
      parts.push(this.#expression(named(interpolation)[0]));
      position = interpolation.endIndex;
    }
    parts.push(unescape(this.text.slice(position, to)));
    if (parts.length === 1) return { kind: 'literal', value: parts[0] as string, at };
    return { kind: 'text', parts: parts.filter((part) => part !== ''), at };
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescape(text: string): string {
  return text.replaceAll(/\\(u\{([0-9a-fA-F]+)\}|.)/g, (_match, escaped: string, code?: string) =>
    code === undefined ? (escapes[escaped] ?? escaped) : String.fromCodePoint(Number.parseInt(code, 16)),
  );
}
