// What a policy is, and the questions that most of them ask of a planned deployment.

import type { Plan, PlannedResource } from './evaluate';
import { Reference, textOf, type Value } from './value';

export interface Policy {
  readonly name: string;
  /** What breaks it, nothing when it holds. */
  readonly broken: (plan: Plan) => readonly string[];
}

/** A value inside a resource: `properties.sku.name`. */
export function valueAt(resource: PlannedResource, path: string): Value {
  return path.split('.').reduce<Value>((value, name) => {
    if (value instanceof Reference || typeof value !== 'object' || value === null) return null;
    return (value as Readonly<Record<string, Value>>)[name] ?? null;
  }, resource.body);
}

export const textAt = (resource: PlannedResource, path: string) => textOf(valueAt(resource, path));

export const resourcesOf = (plan: Plan, type: string): readonly PlannedResource[] =>
  plan.resources.filter((resource) => resource.type === `Microsoft.${type}`);

const nameOf = (resource: PlannedResource) => `${resource.symbol} (${resource.file})`;

/** At least one resource of the type exists, and for each of them the test holds. */
export const each =
  (type: string, holds: (resource: PlannedResource, plan: Plan) => boolean) => (plan: Plan) => {
    const resources = resourcesOf(plan, type);
    if (!resources.length) return [`there is no ${type}`];
    return resources.filter((resource) => !holds(resource, plan)).map(nameOf);
  };

export const has =
  (expected: Readonly<Record<string, Value>>) =>
  (resource: PlannedResource): boolean =>
    Object.entries(expected).every(([path, value]) => valueAt(resource, path) === value);
