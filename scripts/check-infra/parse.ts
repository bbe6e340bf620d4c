// Parses Bicep with tree-sitter and hands on what syntax.ts describes. Where the grammar is behind the language
// (no spread; a param of a .bicepparam file has no type) is told in docs/adr/0009-bicep-checker.md.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Language, type Node, Parser } from 'web-tree-sitter';
import { Operators } from './operators';
import {
  type BicepFile,
  type Call,
  type Declaration,
  type DeclarationKind,
  type Expression,
  type Fault,
  type Import,
  literalText,
  type Place,
  type Property,
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
  // Our parameter files have no variables. The same length, so that places stay right.
  const readable = path.endsWith('.bicepparam') ? source.replaceAll(/^param(?= )/gm, 'var  ') : source;
  const tree = parser.parse(readable);
  if (!tree) throw new Error(`${path} cannot be parsed`);
  return new Reader(path, readable).file(tree.rootNode);
}

const named = (node: Node): Node[] => node.namedChildren.filter((child) => !child.type.endsWith('comment'));

class Reader {
  readonly #faults: Fault[] = [];
  readonly #operators = new Operators();

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
      this.#refuse(node, `this cannot be read as Bicep: ${what || node.type}`);
    } else if (node.hasError) for (const child of node.children) this.#findErrors(child);
  }

  #refuse(node: Node, text: string): void {
    this.#faults.push({ at: this.#place(node), text });
  }

  #decorators(node: Node): readonly Call[] {
    return named(node)
      .map((decorator) => this.#expression(named(decorator)[0]))
      .filter((expression) => expression.kind === 'call');
  }

  #import(node: Node): Import {
    const path = named(node).at(-1);
    const entries = (/\{([\s\S]*)\}/.exec(node.text)?.[1] ?? '').split(',').map((entry) => entry.trim());
    const names = entries.filter(Boolean).map((entry) => {
      const [there = '', here = there] = entry.split(/\s+as\s+/);
      return [here, there] as const;
    });
    return { at: this.#place(node), path: this.#string(path), names: new Map(names) };
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
        return make(this.path.endsWith('.bicepparam') ? 'param' : 'var', valueAt(1));
      case 'type_declaration':
        return make('type', valueAt(1));
      case 'using_statement':
        return make('using', { reference: this.#string(parts[0]) }, 'using');
      case 'resource_declaration':
      case 'module_declaration':
        return make(node.type === 'resource_declaration' ? 'resource' : 'module', {
          reference: this.#string(parts[1]),
          existing: node.children.some((child) => child.type === 'existing'),
          ...valueAt(2),
        });
      case 'metadata_declaration':
      case 'target_scope_assignment':
        return undefined;
      default:
        if (!node.hasError) this.#refuse(node, `the checker does not know ${node.type}`);
        return undefined;
    }
  }

  #string(node: Node | undefined): string {
    return literalText(this.#expression(node)) ?? '';
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
        return first();
      case 'parenthesized_expression':
        return this.#operators.close(first());
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
      case 'array_type':
      case 'nullable_type':
      case 'union_type': {
        const nullable = node.type === 'nullable_type';
        return { kind: 'type', parts: parts.map((part) => this.#expression(part)), nullable, at };
      }
      case 'array':
        this.#refuseTouchingItems(parts);
        return { kind: 'array', items: parts.map((part) => this.#expression(part)), at };
      case 'object':
        return { kind: 'object', properties: this.#properties(parts), at };
      case 'member_expression':
        return this.#operators.access(field('object'), (object) => {
          const property = node.childForFieldName('property')?.text ?? '';
          return { kind: 'member', object, property, at };
        });
      case 'subscript_expression':
        return this.#operators.access(field('object'), (object) => {
          return { kind: 'index', object, index: field('index'), at };
        });
      case 'binary_expression': {
        const operator = node.childForFieldName('operator')?.text ?? '';
        return this.#operators.binary(field('left'), operator, field('right'));
      }
      case 'call_expression':
        return {
          kind: 'call',
          name: node.childForFieldName('function')?.text ?? '',
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
        if (!node.hasError) this.#refuse(node, `the checker does not know ${node.type}`);
        return { kind: 'literal', value: null, at };
    }
  }

  /** To the grammar `[f(x)]` and `[list[i]]` are two items each: it needs nothing between them. */
  #refuseTouchingItems(items: readonly Node[]): void {
    for (const [index, item] of items.entries()) {
      const touching = items[index + 1]?.startIndex === item.endIndex;
      if (touching) this.#refuse(item, 'the grammar reads two items here: write array(…)');
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
        this.#refuse(part, 'nested resources are not read: name the parent');
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
