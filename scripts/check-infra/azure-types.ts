// Azure's published resource types (read by the package bicep-types) in the form in which values are compared.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BicepType,
  ObjectTypePropertyFlags,
  type ObjectTypeProperty,
  readIndexJson,
  readTypesJson,
  TypeBaseKind,
  type TypeReference,
} from 'bicep-types';

export interface TypeProperty {
  readonly type: () => Type;
  readonly required: boolean;
  readonly readOnly: boolean;
}

export type Properties = Readonly<Record<string, TypeProperty>>;

export type Type =
  | { readonly kind: 'any' | 'null' | 'bool' }
  | { readonly kind: 'string'; readonly minLength?: number; readonly maxLength?: number }
  | { readonly kind: 'int'; readonly minValue?: number; readonly maxValue?: number }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'union'; readonly of: readonly Type[] }
  | { readonly kind: 'array'; readonly item: () => Type }
  | { readonly kind: 'object'; readonly properties: Properties; readonly rest?: () => Type }
  | {
      readonly kind: 'choice';
      readonly discriminator: string;
      readonly base: Properties;
      readonly elements: Readonly<Record<string, () => Type>>;
    };

export const any: Type = { kind: 'any' };

export interface AzureTypes {
  /** The type of a resource's body, or a sentence that says why there is none. @param reference `Type@version` */
  readonly resource: (reference: string) => Type | string;
}

/** @param directory with index.json, as Azure publishes it */
export function readAzureTypes(directory: string): AzureTypes {
  const index = readIndexJson(readFileSync(join(directory, 'index.json'), 'utf8')).resources;
  const keys = new Map(Object.keys(index).map((key) => [key.toLowerCase(), key]));
  const files = new Map<string, readonly BicepType[]>();
  const load = (path: string): readonly BicepType[] => {
    let types = files.get(path);
    if (!types) files.set(path, (types = readTypesJson(readFileSync(join(directory, path), 'utf8'))));
    return types;
  };
  return {
    resource: (reference) => {
      const place = index[keys.get(reference.toLowerCase()) ?? ''];
      if (!place) return whyUnknown(reference, keys);
      const types = load(place.relativePath);
      const resource = types[place.index];
      return resource?.type === TypeBaseKind.ResourceType ? convert(types, resource.body) : any;
    },
  };
}

function whyUnknown(reference: string, keys: ReadonlyMap<string, string>): string {
  const [type = ''] = reference.toLowerCase().split('@');
  const versions = [...keys.values()].filter((key) => key.toLowerCase().startsWith(`${type}@`));
  return versions.length
    ? `${reference} is not a known version: ${versions.join(', ')}`
    : `there is no resource type ${reference}`;
}

function convert(types: readonly BicepType[], reference: TypeReference): Type {
  const type = types[reference.index];
  const later = (to: TypeReference) => () => convert(types, to);
  const convertAll = (properties: Record<string, ObjectTypeProperty>): Properties =>
    Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        {
          type: later(property.type),
          required: (property.flags & ObjectTypePropertyFlags.Required) !== 0,
          readOnly: (property.flags & ObjectTypePropertyFlags.ReadOnly) !== 0,
        },
      ]),
    );
  switch (type?.type) {
    case TypeBaseKind.StringLiteralType:
      return { kind: 'literal', value: type.value };
    case TypeBaseKind.StringType: {
      const { minLength, maxLength } = type;
      return {
        kind: 'string',
        ...(minLength === undefined ? {} : { minLength }),
        ...(maxLength === undefined ? {} : { maxLength }),
      };
    }
    case TypeBaseKind.IntegerType: {
      const { minValue, maxValue } = type;
      return {
        kind: 'int',
        ...(minValue === undefined ? {} : { minValue }),
        ...(maxValue === undefined ? {} : { maxValue }),
      };
    }
    case TypeBaseKind.BooleanType:
      return { kind: 'bool' };
    case TypeBaseKind.NullType:
      return { kind: 'null' };
    case TypeBaseKind.UnionType:
      return { kind: 'union', of: type.elements.map((element) => convert(types, element)) };
    case TypeBaseKind.ArrayType:
      return { kind: 'array', item: later(type.itemType) };
    case TypeBaseKind.ObjectType:
      return {
        kind: 'object',
        properties: convertAll(type.properties),
        ...(type.additionalProperties ? { rest: later(type.additionalProperties) } : {}),
      };
    case TypeBaseKind.DiscriminatedObjectType:
      return {
        kind: 'choice',
        discriminator: type.discriminator,
        base: convertAll(type.baseProperties),
        elements: Object.fromEntries(
          Object.entries(type.elements).map(([name, element]) => [name, later(element)]),
        ),
      };
    case TypeBaseKind.AnyType:
    case TypeBaseKind.BuiltInType:
    case TypeBaseKind.FunctionType:
    case TypeBaseKind.ResourceFunctionType:
    case TypeBaseKind.ResourceType:
    case undefined:
      return any;
  }
}
