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

/** What is to come of a comparison: a version, or only an answer, which can wait for versions. */
export type ComparisonPurpose = 'version' | 'dry-run';

export interface SchemaComparer {
  /** Ends within the time of a validation; what takes longer is `unknown`. */
  compare(comparison: SchemaComparison, purpose: ComparisonPurpose): Promise<Comparison>;
}
