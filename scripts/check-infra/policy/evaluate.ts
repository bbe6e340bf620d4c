// Works out what a deployment would create: the values of all resources for one parameter file, modules followed,
// loops unrolled. What only Azure knows is a text in angle brackets, such as `<server.id>`.

import { hash } from 'node:crypto';
import type { Workspace } from '../symbols';
import { type BicepFile, type Declaration, type Expression, literalText } from '../syntax';
import { callFunction } from './functions';
import { Reference, textOf, type Value } from './value';

export interface PlannedResource {
  /** `Microsoft.Storage/storageAccounts`. */
  readonly type: string;
  readonly symbol: string;
  /** File that declares it. */
  readonly file: string;
  readonly body: Readonly<Record<string, Value>>;
}

export interface Plan {
  readonly resources: readonly PlannedResource[];
  readonly outputs: Readonly<Record<string, Value>>;
}

/** A rule of the template refused the parameters: what fail() was given. */
export class Refused extends Error {}

type Values = Readonly<Record<string, Value>>;

export interface PlanOptions {
  /** What readEnvironmentVariable() sees. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Parameters that replace those of the file. */
  readonly parameters?: Values;
}

/** @throws Refused */
export function planDeployment(workspace: Workspace, parameterFile: string, options: PlanOptions = {}): Plan {
  const file = workspace.file(parameterFile);
  const scope = new Scope(workspace, file, {}, options.environment ?? {});
  const given = file.declarations.filter(({ kind }) => kind === 'param');
  const parameters = Object.fromEntries(given.map(({ name, value }) => [name, scope.value(value)]));
  const using = file.declarations.find(({ kind }) => kind === 'using');
  const template = workspace.referred(file, using?.reference ?? '');
  if (!template) throw new Error(`${parameterFile} names no template`);
  return new Scope(workspace, template, { ...parameters, ...options.parameters }, {}).plan();
}

/** Names and values that expressions of one file see. */
class Scope {
  readonly #known = new Map<string, Value>();
  readonly #modules = new Map<string, readonly Plan[]>();

  constructor(
    private readonly workspace: Workspace,
    private readonly file: BicepFile,
    private readonly parameters: Values,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  plan(): Plan {
    const resources: PlannedResource[] = [];
    for (const declaration of this.file.declarations) {
      if (declaration.kind === 'module') {
        resources.push(...this.#modulePlans(declaration).flatMap((plan) => plan.resources));
      } else if (declaration.kind === 'resource' && !declaration.existing) {
        const type = declaration.reference?.split('@')[0] ?? '';
        for (const body of this.#bodies(declaration)) {
          resources.push({ type, symbol: declaration.name, file: this.file.path, body });
        }
      }
    }
    const outputs = this.file.declarations
      .filter(({ kind }) => kind === 'output')
      .map(({ name, value }) => [name, this.value(value)] as const);
    return { resources, outputs: Object.fromEntries(outputs) };
  }

  #bodies({ value }: Declaration): readonly Values[] {
    const bodies = value?.kind === 'loop' ? (this.value(value) as readonly Value[]) : [this.value(value)];
    return bodies.filter((body) => body !== null) as readonly Values[];
  }

  #modulePlans(declaration: Declaration): readonly Plan[] {
    const known = this.#modules.get(declaration.name);
    if (known) return known;
    const template = this.workspace.referred(this.file, declaration.reference ?? '');
    if (!template) throw new Error(`there is no file ${declaration.reference ?? ''}`);
    const plans = this.#bodies(declaration).map((body) =>
      new Scope(this.workspace, template, (body['params'] ?? {}) as Values, {}).plan(),
    );
    this.#modules.set(declaration.name, plans);
    return plans;
  }

  #named(name: string): Value {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const value = this.#lookUp(name);
    this.#known.set(name, value);
    return value;
  }

  #lookUp(name: string): Value {
    const found = this.workspace.find(this.file, name);
    const { kind, value } = found?.declaration ?? {};
    if (!found) throw new Error(`${name} is not declared`);
    if (found.file !== this.file) {
      return new Scope(this.workspace, found.file, {}, {}).value({
        kind: 'name',
        name: found.declaration.name,
        at,
      });
    }
    if (kind === 'param') return this.parameters[name] ?? this.value(value);
    if (kind === 'module') {
      const plans = this.#modulePlans(found.declaration);
      return value?.kind === 'loop'
        ? plans.map(({ outputs }) => new Reference(name, outputs))
        : new Reference(name, plans[0]?.outputs);
    }
    if (kind !== 'resource') return this.value(value);
    if (value?.kind !== 'loop') return new Reference(name);
    return (this.value(value.list) as readonly Value[]).map((_, index) => new Reference(`${name}[${index}]`));
  }

  value(expression: Expression | undefined, locals: Values = {}): Value {
    if (!expression) return null;
    const of = (part: Expression) => this.value(part, locals);
    switch (expression.kind) {
      case 'literal':
        return expression.value;
      case 'text':
        return expression.parts.map((part) => (typeof part === 'string' ? part : textOf(of(part)))).join('');
      case 'array':
        return expression.items.map(of);
      case 'object':
        return Object.fromEntries(
          expression.properties.map(({ key, value }) => [textOf(of(key)), of(value)]),
        );
      case 'name':
        return expression.name in locals ? (locals[expression.name] ?? null) : this.#named(expression.name);
      case 'member':
        return memberOf(of(expression.object), expression.property);
      case 'index': {
        const object = of(expression.object);
        const index = of(expression.index);
        return Array.isArray(object)
          ? ((object as readonly Value[])[Number(index)] ?? null)
          : memberOf(object, textOf(index));
      }
      case 'lambda':
        return (...given: readonly Value[]) =>
          this.value(expression.body, {
            ...locals,
            ...Object.fromEntries(expression.parameters.map((name, index) => [name, given[index] ?? null])),
          });
      case 'loop':
        return (of(expression.list) as readonly Value[]).map((item, index) =>
          this.value(expression.body, {
            ...locals,
            [expression.item]: item,
            ...(expression.index === undefined ? {} : { [expression.index]: index }),
          }),
        );
      case 'if':
        return of(expression.condition) === true ? of(expression.body) : null;
      case 'ternary':
        return of(of(expression.condition) === true ? expression.then : expression.otherwise);
      case 'unary': {
        const operand = of(expression.operand);
        return expression.operator === '!' ? operand !== true : -Number(operand);
      }
      case 'binary':
        return binary(expression.operator, of(expression.left), () => of(expression.right));
      case 'call':
        return this.#call(expression.name, expression.arguments, locals);
      case 'type':
        throw new Error(`${expression.kind} is a type, not a value`);
    }
  }

  #call(name: string, given: readonly Expression[], locals: Values): Value {
    if (name.startsWith('load')) {
      const path = literalText(given[0]) ?? '';
      const text = this.workspace.text(this.file, path);
      return name === 'loadFileAsBase64' ? Buffer.from(text).toString('base64') : text;
    }
    const values = given.map((part) => this.value(part, locals));
    if (name === 'fail') throw new Refused(textOf(values[0] ?? ''));
    if (name === 'readEnvironmentVariable')
      return this.environment[textOf(values[0] ?? '')] ?? values[1] ?? null;
    if (name === 'uniqueString') return hash('sha256', JSON.stringify(values)).slice(0, 13);
    return callFunction(name, values);
  }
}

const at = { file: '', line: 0, column: 0 };

function memberOf(object: Value, property: string): Value {
  if (object instanceof Reference) {
    return property === 'outputs' && object.outputs ? object.outputs : `<${object.symbol}.${property}>`;
  }
  if (typeof object === 'string' && object.startsWith('<')) return `${object.slice(0, -1)}.${property}>`;
  return (object as Values | null)?.[property] ?? null;
}

function binary(operator: string, left: Value, right: () => Value): Value {
  switch (operator) {
    case '&&':
      return left === true && right() === true;
    case '||':
      return left === true || right() === true;
    case '??':
      return left ?? right();
    case '==':
      return JSON.stringify(left) === JSON.stringify(right());
    case '!=':
      return JSON.stringify(left) !== JSON.stringify(right());
    case '<':
      return Number(left) < Number(right());
    case '<=':
      return Number(left) <= Number(right());
    case '>':
      return Number(left) > Number(right());
    case '>=':
      return Number(left) >= Number(right());
    case '+':
      return Number(left) + Number(right());
    case '-':
      return Number(left) - Number(right());
    case '*':
      return Number(left) * Number(right());
    case '/':
      return Math.trunc(Number(left) / Number(right()));
    case '%':
      return Number(left) % Number(right());
    default:
      throw new Error(`the operator ${operator} is not known`);
  }
}
