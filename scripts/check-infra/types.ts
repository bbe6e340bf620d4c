// Values against types: resources against Azure's, modules against their params, outputs and defaults against
// what is declared, and every access to a property against what is accessed.

import { any, type AzureTypes, type Properties, type Type } from './azure-types';
import { functionResults } from './functions';
import type { Workspace } from './symbols';
import {
  type BicepFile,
  childrenOf,
  type Declaration,
  type Expression,
  type Fault,
  literalText,
  type Member,
  type ObjectExpression,
} from './syntax';

/** Loop variables and parameters of functions. */
type Locals = ReadonlyMap<string, Type>;
const noLocals: Locals = new Map();
const text: Type = { kind: 'string' };
const optional = (type: () => Type) => ({ type, required: false, readOnly: false });
const required = (type: () => Type) => ({ type, required: true, readOnly: false });

/** What Bicep itself adds to every resource and module. */
const ofEveryResource: Properties = { parent: optional(() => any), dependsOn: optional(() => any) };
const inAnyScope: Properties = { ...ofEveryResource, scope: optional(() => any) };

export class TypeCheck {
  readonly #faults = new Map<string, Fault>();

  /** @param azure undefined: resources are not compared */
  constructor(
    private readonly workspace: Workspace,
    private readonly azure: AzureTypes | undefined,
  ) {}

  check(file: BicepFile): readonly Fault[] {
    this.#faults.clear();
    for (const declaration of file.declarations) {
      const { kind, type, value } = declaration;
      if (!value) continue;
      const target = kind === 'resource' || kind === 'module' ? this.#bodyType(file, declaration) : undefined;
      if (target) this.#compare(file, bodyOf(value), target, noLocals);
      else if (type && kind !== 'func') this.#compare(file, value, this.#declared(file, type), noLocals);
      else if (kind === 'param') this.#compareParameter(file, declaration, value);
      this.#visit(file, value, this.#localsOf(file, declaration));
    }
    return [...this.#faults.values()];
  }

  #say(expression: Expression, sentence: string): void {
    const { file, line, column } = expression.at;
    this.#faults.set(`${file}:${line}:${column}:${sentence}`, { at: expression.at, text: sentence });
  }

  #localsOf(file: BicepFile, { parameters = [] }: Declaration): Locals {
    return new Map(parameters.map(({ name, type }) => [name, this.#declared(file, type)]));
  }

  /** The value that a parameter file gives. */
  #compareParameter(file: BicepFile, { name }: Declaration, value: Expression): void {
    const using = file.declarations.find(({ kind }) => kind === 'using');
    const template = using && this.workspace.referred(file, using.reference ?? '');
    const param = template?.declarations.find((known) => known.kind === 'param' && known.name === name);
    if (template && param?.type) this.#compare(file, value, this.#declared(template, param.type), noLocals);
  }

  /** What may stand in the body of a resource or module. */
  #bodyType(file: BicepFile, { kind, reference = '', existing, at }: Declaration): Type {
    if (kind === 'module') {
      const module = this.workspace.referred(file, reference);
      if (!module) return this.#unknown(at, `there is no file ${reference}`);
      const properties = Object.fromEntries(
        module.declarations
          .filter((declaration) => declaration.kind === 'param')
          .map(({ name, type, value }) => [
            name,
            {
              ...optional(() => this.#declared(module, type)),
              required: !value && type?.kind !== 'nullable',
            },
          ]),
      );
      const needed = Object.values(properties).some((property) => property.required);
      const params = { ...optional((): Type => ({ kind: 'object', properties })), required: needed };
      return { kind: 'object', properties: { ...inAnyScope, name: optional(() => text), params } };
    }
    const type = this.azure?.resource(reference) ?? any;
    if (typeof type === 'string') return this.#unknown(at, type);
    if (existing) return { kind: 'object', properties: { ...inAnyScope, name: required(() => text) } };
    if (type.kind === 'object') return { ...type, properties: { ...inAnyScope, ...type.properties } };
    return type.kind === 'choice' ? { ...type, base: { ...inAnyScope, ...type.base } } : type;
  }

  #unknown(at: Fault['at'], sentence: string): Type {
    this.#say({ kind: 'literal', value: null, at }, sentence);
    return any;
  }

  /** A type as it is written in Bicep. */
  #declared(file: BicepFile, type: Expression | undefined): Type {
    switch (type?.kind) {
      case 'literal':
        return type.value === null ? { kind: 'null' } : { kind: 'literal', value: type.value };
      case 'primitive':
      case 'name':
        return this.#namedType(file, type.name);
      case 'array-type':
        return { kind: 'array', item: () => this.#declared(file, type.item) };
      case 'nullable':
        return { kind: 'union', of: [this.#declared(file, type.of), { kind: 'null' }] };
      case 'binary':
        return {
          kind: 'union',
          of: [this.#declared(file, type.left), this.#declared(file, type.right)],
        };
      case 'object': {
        const known = type.properties.filter(({ key }) => literalText(key) !== '*');
        const rest = type.properties.find(({ key }) => literalText(key) === '*');
        const properties = Object.fromEntries(
          known.map(({ key, value }) => [
            literalText(key) ?? '',
            { ...required(() => this.#declared(file, value)), required: value.kind !== 'nullable' },
          ]),
        );
        return {
          kind: 'object',
          properties,
          ...(rest ? { rest: () => this.#declared(file, rest.value) } : {}),
        };
      }
      case 'text':
      case 'array':
      case 'index':
      case 'unary':
      case 'ternary':
      case 'lambda':
      case 'loop':
      case 'if':
      case 'call':
      case 'member':
      case undefined:
        return any;
    }
  }

  #namedType(file: BicepFile, name: string): Type {
    const simple = /^secure(String|Object)$/.test(name) ? name.slice(6).toLowerCase() : name;
    if (simple === 'string' || simple === 'int' || simple === 'bool') return { kind: simple };
    if (simple === 'object') return { kind: 'object', properties: {}, rest: () => any };
    if (simple === 'array') return { kind: 'array', item: () => any };
    const found = this.workspace.find(file, name);
    return found?.declaration.kind === 'type' ? this.#declared(found.file, found.declaration.value) : any;
  }

  #compare(file: BicepFile, value: Expression, target: Type, locals: Locals): void {
    if (target.kind === 'any') return;
    if (value.kind === 'ternary') {
      this.#compare(file, value.then, target, locals);
      this.#compare(file, value.otherwise, target, locals);
    } else if (value.kind === 'object' && (target.kind === 'object' || target.kind === 'choice')) {
      this.#compareObject(file, value, target, locals);
    } else if (value.kind === 'array' && target.kind === 'array') {
      for (const item of value.items) this.#compare(file, item, target.item(), locals);
    } else if (value.kind === 'loop' && target.kind === 'array') {
      this.#compare(file, value.body, target.item(), this.#loopLocals(file, value, locals));
    } else if (target.kind === 'union' && (value.kind === 'object' || value.kind === 'array')) {
      const fitting = target.of.filter(
        ({ kind }) => kind === value.kind || kind === 'any' || kind === 'choice',
      );
      if (fitting.length === 1 && fitting[0]) this.#compare(file, value, fitting[0], locals);
      else if (!fitting.length) this.#say(value, `expected ${tell(target)}`);
    } else if (value.kind === 'call' && value.name === 'union') {
      for (const part of value.arguments) {
        if (part.kind === 'object' && target.kind === 'object') {
          this.#compareObject(file, part, target, locals, { partly: true });
        }
      }
    } else if (value.kind === 'name' && !locals.has(value.name)) {
      const found = this.workspace.find(file, value.name);
      if (found?.declaration.kind === 'var' && found.declaration.value) {
        this.#compare(found.file, found.declaration.value, target, noLocals);
      } else this.#fit(file, value, target, locals);
    } else this.#fit(file, value, target, locals);
  }

  #fit(file: BicepFile, value: Expression, target: Type, locals: Locals): void {
    const type = this.#typeOf(file, value, locals);
    if (!fits(type, target)) this.#say(value, `expected ${tell(target)}, not ${tell(type)}`);
  }

  #compareObject(
    file: BicepFile,
    value: ObjectExpression,
    target: Type,
    locals: Locals,
    { partly = false } = {},
  ): void {
    if (target.kind === 'choice') {
      const chosen = value.properties.find(({ key }) => literalText(key) === target.discriminator);
      const element = target.elements[literalText(chosen?.value) ?? ''];
      const names = Object.keys(target.elements);
      if (!element) this.#say(value, `${target.discriminator} must be one of ${names.join(', ')}`);
      const rest = element?.();
      if (rest?.kind !== 'object') return;
      const properties = { ...target.base, ...rest.properties };
      this.#compareObject(file, value, { ...rest, properties }, locals);
      return;
    }
    if (target.kind !== 'object') return;
    const given = new Set<string>();
    for (const { key, value: part } of value.properties) {
      const name = literalText(key);
      if (name === undefined) continue;
      given.add(name);
      const known = Object.hasOwn(target.properties, name) ? target.properties[name] : undefined;
      if (known?.readOnly) this.#say(key, `${name} is read-only`);
      else if (known) {
        const type = known.type();
        const wanted: Type = known.required ? type : { kind: 'union', of: [type, { kind: 'null' }] };
        this.#compare(file, part, wanted, locals);
      } else if (target.rest) this.#compare(file, part, target.rest(), locals);
      else
        this.#say(
          key,
          `there is no property ${name}; known are ${Object.keys(target.properties).join(', ')}`,
        );
    }
    if (partly || value.properties.some(({ key }) => literalText(key) === undefined)) return;
    for (const [name, property] of Object.entries(target.properties)) {
      const missing = property.required && !property.readOnly && !given.has(name);
      if (missing) this.#say(value, `the required property ${name} is missing`);
    }
  }

  #loopLocals(file: BicepFile, loop: Expression & { kind: 'loop' }, locals: Locals): Locals {
    const list = this.#typeOf(file, loop.list, locals);
    const item = list.kind === 'array' ? list.item() : any;
    return new Map([...locals, [loop.item, item], [loop.index ?? '', { kind: 'int' } as const]]);
  }

  /** Looks at every access to a property. */
  #visit(file: BicepFile, expression: Expression, locals: Locals): void {
    if (expression.kind === 'member') this.#memberType(file, expression, locals);
    let inner = locals;
    if (expression.kind === 'loop') inner = this.#loopLocals(file, expression, locals);
    else if (expression.kind === 'lambda') {
      inner = new Map([...locals, ...expression.parameters.map((name) => [name, any] as const)]);
    }
    for (const child of childrenOf(expression)) this.#visit(file, child, inner);
  }

  #memberType(file: BicepFile, { object, property, safe, at }: Member, locals: Locals): Type {
    if (object.kind === 'name' && !locals.has(object.name)) {
      const imported = this.workspace.findIn(file, object.name, property)?.declaration.value;
      if (imported) return this.#typeOf(file, imported, locals);
    }
    const whole = this.#typeOf(file, object, locals);
    const parts = whole.kind === 'union' ? whole.of : [whole];
    const owner = parts.find(({ kind }) => kind !== 'null') ?? any;
    if (!safe && parts.some(({ kind }) => kind === 'null')) {
      this.#say(object, `${property} of what may be null: use .?`);
    }
    if (owner.kind !== 'object') return any;
    const known = Object.hasOwn(owner.properties, property) ? owner.properties[property] : undefined;
    if (known) return known.type();
    if (owner.rest) return owner.rest();
    const names = Object.keys(owner.properties).join(', ');
    this.#say({ kind: 'literal', value: null, at }, `there is no property ${property}; known are ${names}`);
    return any;
  }

  #typeOf(file: BicepFile, value: Expression, locals: Locals): Type {
    switch (value.kind) {
      case 'literal':
        return value.value === null ? { kind: 'null' } : { kind: 'literal', value: value.value };
      case 'text':
        return text;
      case 'array':
        return { kind: 'array', item: () => any };
      case 'object':
        return {
          kind: 'object',
          properties: Object.fromEntries(
            value.properties.map((property) => [
              literalText(property.key) ?? '',
              required(() => this.#typeOf(file, property.value, locals)),
            ]),
          ),
          ...(value.properties.some(({ key }) => literalText(key) === undefined) ? { rest: () => any } : {}),
        };
      case 'loop': {
        const inner = this.#loopLocals(file, value, locals);
        return { kind: 'array', item: () => this.#typeOf(file, value.body, inner) };
      }
      case 'if':
        return this.#typeOf(file, value.body, locals);
      case 'ternary':
        return {
          kind: 'union',
          of: [this.#typeOf(file, value.then, locals), this.#typeOf(file, value.otherwise, locals)],
        };
      case 'unary':
        return { kind: value.operator === '!' ? 'bool' : 'int' };
      case 'binary': {
        if (value.operator !== '??') return { kind: /[+\-*/%]/.test(value.operator) ? 'int' : 'bool' };
        const left = this.#typeOf(file, value.left, locals);
        const kept = left.kind === 'union' ? left.of.filter(({ kind }) => kind !== 'null') : [left];
        return { kind: 'union', of: [...kept, this.#typeOf(file, value.right, locals)] };
      }
      case 'member': {
        const type = this.#memberType(file, value, locals);
        return value.safe ? { kind: 'union', of: [...flatten(type), { kind: 'null' }] } : type;
      }
      case 'index': {
        const list = this.#typeOf(file, value.object, locals);
        return list.kind === 'array' ? list.item() : any;
      }
      case 'call': {
        const result = functionResults[value.name];
        if (result === 'string' || result === 'int' || result === 'bool') return { kind: result };
        if (result === 'array') return { kind: 'array', item: () => any };
        const found = result ? undefined : this.workspace.find(file, value.name);
        return found ? this.#declared(found.file, found.declaration.type) : any;
      }
      case 'name':
        return locals.get(value.name) ?? this.#typeOfName(file, value.name);
      case 'lambda':
      case 'primitive':
      case 'array-type':
      case 'nullable':
        return any;
    }
  }

  #typeOfName(file: BicepFile, name: string): Type {
    const found = this.workspace.find(file, name);
    const { kind, type, value, reference = '' } = found?.declaration ?? {};
    if (!found || !kind) return any;
    if (kind === 'var' && value) return this.#typeOf(found.file, value, noLocals);
    if (kind === 'param') return this.#declared(found.file, type);
    const single = (one: Type): Type => (value?.kind === 'loop' ? { kind: 'array', item: () => one } : one);
    if (kind === 'resource') {
      const azure = this.azure?.resource(reference) ?? any;
      return single(typeof azure === 'string' ? any : azure);
    }
    const module = kind === 'module' ? this.workspace.referred(found.file, reference) : undefined;
    if (!module) return any;
    const outputs = module.declarations
      .filter((declaration) => declaration.kind === 'output')
      .map((output) => [output.name, required(() => this.#declared(module, output.type))] as const);
    const properties = {
      name: required(() => text),
      outputs: required((): Type => ({ kind: 'object', properties: Object.fromEntries(outputs) })),
    };
    return single({ kind: 'object', properties });
  }
}

function bodyOf(value: Expression): Expression {
  return value.kind === 'loop' || value.kind === 'if' ? bodyOf(value.body) : value;
}

function flatten(type: Type): readonly Type[] {
  return type.kind === 'union' ? type.of.flatMap(flatten) : [type];
}

function fits(from: Type, to: Type): boolean {
  if (from.kind === 'any' || to.kind === 'any') return true;
  if (from.kind === 'union') return from.of.every((part) => fits(part, to));
  if (to.kind === 'union') return to.of.some((part) => fits(from, part));
  if (from.kind === 'literal') {
    const { value } = from;
    if (to.kind === 'literal') return value === to.value;
    if (to.kind === 'string' && typeof value === 'string') {
      return value.length >= (to.minLength ?? 0) && value.length <= (to.maxLength ?? Infinity);
    }
    if (to.kind === 'int' && typeof value === 'number') {
      return value >= (to.minValue ?? -Infinity) && value <= (to.maxValue ?? Infinity);
    }
    return to.kind === 'bool' && typeof value === 'boolean';
  }
  if (from.kind === 'object' && to.kind === 'object') {
    const all = { ...from.properties };
    return (
      Object.entries(all).every(([name, property]) => {
        const wanted = to.properties[name]?.type ?? to.rest;
        return wanted !== undefined && fits(property.type(), wanted());
      }) &&
      Object.entries(to.properties).every(
        ([name, property]) => !property.required || name in all || from.rest,
      )
    );
  }
  if (from.kind === 'array' && to.kind === 'array') return fits(from.item(), to.item());
  return from.kind === to.kind || (from.kind === 'object' && to.kind === 'choice');
}

function tell(type: Type): string {
  if (type.kind === 'literal') return JSON.stringify(type.value);
  if (type.kind === 'union') return flatten(type).map(tell).join(' | ');
  return type.kind === 'choice' ? 'object' : type.kind;
}
