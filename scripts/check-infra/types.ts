// What is written out in the templates, against types: resources against Azure's, modules against their params. What
// only a deployment would know is left to the compiler.

import { type ObjectType, ObjectTypePropertyFlags, TypeBaseKind, TypeReference } from 'bicep-types';
import { anyType, type AzureTypes, referred, type Type } from './azure-types';
import type { Workspace } from './symbols';
import {
  type BicepFile,
  type Declaration,
  type Expression,
  type Fault,
  isOptional,
  literalText,
  type ObjectExpression,
} from './syntax';

const { None, Required, ReadOnly } = ObjectTypePropertyFlags;
/** Bicep's own, in the body of every resource and module. */
const ofEveryBody: readonly (string | undefined)[] = ['parent', 'scope', 'dependsOn'];

export class TypeCheck {
  #faults: Fault[] = [];

  /** @param azure undefined: resources are not compared */
  constructor(
    private readonly workspace: Workspace,
    private readonly azure: AzureTypes | undefined,
  ) {}

  check(file: BicepFile): readonly Fault[] {
    this.#faults = [];
    for (const declaration of file.declarations) {
      const { kind, value } = declaration;
      if (!value || (kind !== 'resource' && kind !== 'module')) continue;
      const type = kind === 'module' ? this.#moduleType(file, declaration) : this.#resourceType(declaration);
      if (typeof type === 'string') this.#say(declaration.at, type);
      else this.#compare(file, bodyOf(value), type);
    }
    // A variable is looked at wherever it is used.
    return [...new Map(this.#faults.map((fault) => [JSON.stringify(fault), fault])).values()];
  }

  #say(at: Fault['at'], text: string): void {
    this.#faults.push({ at, text });
  }

  #resourceType({ reference = '', existing }: Declaration): Type | string {
    const type = this.azure?.resource(reference) ?? anyType;
    return existing && typeof type !== 'string'
      ? { is: objectOf([['name', Required]]), among: [anyType.is] }
      : type;
  }

  #moduleType(file: BicepFile, { reference = '' }: Declaration): Type | string {
    const module = this.workspace.referred(file, reference);
    if (!module) return `there is no file ${reference}`;
    const params = module.declarations
      .filter(({ kind }) => kind === 'param')
      .map((param) => [param.name, isOptional(param) ? None : Required] as const);
    const needed = params.some(([, flag]) => flag === Required) ? Required : None;
    const is = objectOf([['name', None]]);
    is.properties['params'] = { type: new TypeReference(1), flags: needed };
    return { is, among: [anyType.is, objectOf(params)] };
  }

  #compare(file: BicepFile, value: Expression, type: Type): void {
    const { is } = type;
    if (value.kind === 'ternary') {
      this.#compare(file, value.then, type);
      this.#compare(file, value.otherwise, type);
    } else if (value.kind === 'name') {
      const found = this.workspace.find(file, value.name);
      if (found?.declaration.kind === 'var' && found.declaration.value) {
        this.#compare(found.file, found.declaration.value, type);
      }
    } else if (is.type === TypeBaseKind.UnionType) {
      const fitting = is.elements.map((element) => referred(type, element)).filter((one) => may(value, one));
      if (fitting.length === 1 && fitting[0]) this.#compare(file, value, fitting[0]);
      if (!fitting.length) this.#say(value.at, `expected ${tell(type)}`);
    } else if (!may(value, type)) this.#say(value.at, `expected ${tell(type)}`);
    else if (value.kind === 'object') this.#compareObject(file, value, type);
    else if (is.type === TypeBaseKind.ArrayType) {
      const items = value.kind === 'array' ? value.items : value.kind === 'loop' ? [value.body] : [];
      for (const item of items) this.#compare(file, item, referred(type, is.itemType));
    }
  }

  #compareObject(file: BicepFile, value: ObjectExpression, type: Type): void {
    const { is } = type;
    if (is.type === TypeBaseKind.DiscriminatedObjectType) {
      const chosen = value.properties.find(({ key }) => literalText(key) === is.discriminator)?.value;
      const element = is.elements[literalText(chosen) ?? ''];
      const rest = element && referred(type, element).is;
      if (rest?.type === TypeBaseKind.ObjectType) {
        const properties = { ...is.baseProperties, ...rest.properties };
        this.#compareObject(file, value, { ...type, is: { ...rest, properties } });
      } else {
        this.#say(value.at, `${is.discriminator} must be one of ${Object.keys(is.elements).join(', ')}`);
      }
      return;
    }
    if (is.type !== TypeBaseKind.ObjectType) return;
    const has = (name: string, flag: ObjectTypePropertyFlags) =>
      ((is.properties[name]?.flags ?? None) & flag) !== 0;
    const names = value.properties.map(({ key }) => literalText(key));
    for (const [index, { key, value: part }] of value.properties.entries()) {
      const name = names[index];
      if (name === undefined || ofEveryBody.includes(name)) continue;
      const known = Object.hasOwn(is.properties, name) ? is.properties[name]?.type : is.additionalProperties;
      if (has(name, ReadOnly)) this.#say(key.at, `${name} is read-only`);
      else if (!known) {
        const all = Object.keys(is.properties).join(', ');
        this.#say(key.at, `there is no property ${name}; known are ${all}`);
      } else this.#compare(file, part, referred(type, known));
    }
    if (names.includes(undefined)) return;
    for (const name of Object.keys(is.properties)) {
      const missing = has(name, Required) && !has(name, ReadOnly) && !names.includes(name);
      if (missing) this.#say(value.at, `the required property ${name} is missing`);
    }
  }
}

/** The first type of a table of our own. */
const anything = new TypeReference(0);

/** An object with these names and any values. */
function objectOf(names: readonly (readonly [string, ObjectTypePropertyFlags])[]): ObjectType {
  const properties = names.map(([name, flags]) => [name, { type: anything, flags }] as const);
  return { type: TypeBaseKind.ObjectType, name: '', properties: Object.fromEntries(properties) };
}

function bodyOf(value: Expression): Expression {
  return value.kind === 'loop' || value.kind === 'if' ? bodyOf(value.body) : value;
}

/** Whether a value could be of a type as far as it is written out, its parts not looked at. */
function may(value: Expression, { is, among }: Type): boolean {
  if (is.type === TypeBaseKind.AnyType || is.type === TypeBaseKind.BuiltInType) return true;
  if (is.type === TypeBaseKind.UnionType) {
    return is.elements.some((element) => may(value, referred({ is, among }, element)));
  }
  if (value.kind === 'literal') return mayBeLiteral(value.value, is);
  if (value.kind === 'text') return is.type === TypeBaseKind.StringType;
  if (value.kind === 'object') {
    return is.type === TypeBaseKind.ObjectType || is.type === TypeBaseKind.DiscriminatedObjectType;
  }
  return (value.kind !== 'array' && value.kind !== 'loop') || is.type === TypeBaseKind.ArrayType;
}

function mayBeLiteral(value: string | number | boolean | null, is: Type['is']): boolean {
  // Null is as good as nothing: whether something has to be there is the compiler's affair.
  if (value === null) return true;
  if (is.type === TypeBaseKind.StringLiteralType) return value === is.value;
  if (is.type === TypeBaseKind.BooleanType) return typeof value === 'boolean';
  const { length } = String(value);
  if (is.type === TypeBaseKind.StringType) {
    return typeof value === 'string' && length >= (is.minLength ?? 0) && length <= (is.maxLength ?? length);
  }
  if (is.type !== TypeBaseKind.IntegerType || typeof value !== 'number') return false;
  return value >= (is.minValue ?? value) && value <= (is.maxValue ?? value);
}

function tell(type: Type): string {
  const { is } = type;
  if (is.type === TypeBaseKind.UnionType)
    return is.elements.map((element) => tell(referred(type, element))).join(' | ');
  return is.type === TypeBaseKind.StringLiteralType ? JSON.stringify(is.value) : is.type.replace('Type', '');
}
