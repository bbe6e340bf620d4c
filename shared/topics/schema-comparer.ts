// Port: compares two schemas of a topic.

import type { Comparison, Direction } from './compatibility';
import type { SchemaType } from './topic';
import type { UnknownProperties } from './topic-options';

export interface SchemaComparison {
  readonly schemaType: SchemaType;
  readonly oldText: string;
  readonly newText: string;
  readonly directions: readonly Direction[];
  readonly unknownProperties: UnknownProperties;
}

export interface SchemaComparer {
  /** Ends within the time of a validation; what takes longer is `unknown`. */
  compare(comparison: SchemaComparison): Promise<Comparison>;
}
