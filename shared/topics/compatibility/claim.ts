// What a proof is about: claims about values and their parts, and the gaps that are left.

import type { Facts } from './facts';
import type { Place } from './place';
import type { SchemaNode } from './schema-node';

/** Where a claim about a part of a value comes from: the way back to the whole. */
export interface Trail {
  readonly above: Trail | undefined;
  readonly facts: Facts;
  readonly place: Place;
  readonly step: Step;
}
export type Step =
  { readonly property: string } | { readonly pattern: string } | { readonly element: number };

/** A claim that is not proven. */
export interface Gap {
  readonly facts: Facts;
  readonly goal: SchemaNode;
  readonly keyword: string;
  readonly place: Place;
  readonly trail: Trail | undefined;
}

/** What a value of one case, in one place, is claimed to match. */
export interface Claim {
  readonly facts: Facts;
  readonly place: Place;
  readonly goal: SchemaNode;
  readonly trail: Trail | undefined;
}
