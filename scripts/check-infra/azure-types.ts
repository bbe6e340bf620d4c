// Azure's published resource types, read by the package bicep-types.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BicepType, readIndexJson, readTypesJson, TypeBaseKind, type TypeReference } from 'bicep-types';

/** A type, and the table that its references point into. */
export interface Type {
  readonly is: BicepType;
  readonly among: readonly BicepType[];
}

export const anyType: Type = { is: { type: TypeBaseKind.AnyType }, among: [] };

export const referred = ({ among }: Type, { index }: TypeReference): Type => ({
  is: among[index] ?? anyType.is,
  among,
});

export interface AzureTypes {
  /** The type of a resource's body, or a sentence that says why there is none. @param reference `Type@version` */
  readonly resource: (reference: string) => Type | string;
}

/** @param directory with index.json, as Azure publishes it */
export function readAzureTypes(directory: string): AzureTypes {
  const places = readIndexJson(readFileSync(join(directory, 'index.json'), 'utf8')).resources;
  const names = Object.keys(places);
  const files = new Map<string, readonly BicepType[]>();
  const load = (path: string): readonly BicepType[] => {
    const types = files.get(path) ?? readTypesJson(readFileSync(join(directory, path), 'utf8'));
    files.set(path, types);
    return types;
  };
  return {
    resource: (reference) => {
      const sought = reference.toLowerCase();
      const place = places[names.find((name) => name.toLowerCase() === sought) ?? ''];
      if (!place) {
        const [type = ''] = sought.split('@');
        const versions = names.filter((name) => name.toLowerCase().startsWith(`${type}@`));
        return versions.length
          ? `${reference} is not a known version: ${versions.join(', ')}`
          : `there is no resource type ${reference}`;
      }
      const among = load(place.relativePath);
      const resource = among[place.index];
      return resource?.type === TypeBaseKind.ResourceType
        ? referred({ is: resource, among }, resource.body)
        : anyType;
    },
  };
}
