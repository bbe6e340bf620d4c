// What the app and the thread that does its heavy validation say to each other.

import type { ErrorCode, Fault } from '../../broker-error';
import type { Comparison } from '../../topics/compatibility';
import type { SchemaComparison } from '../../topics/schema-comparer';
import type { SchemaType } from '../../topics/topic';
import type { SchemaKey } from './schema-engine';

export type Job =
  | { readonly kind: 'compile'; readonly schemaType: SchemaType; readonly schemaText: string }
  | {
      readonly kind: 'validate';
      readonly schemaType: SchemaType;
      readonly key: SchemaKey;
      /** Absent: the thread is asked whether it has the schema compiled already. */
      readonly schemaText?: string;
      readonly payload: string;
    }
  | {
      readonly kind: 'match';
      /** One that has been compiled already. */
      readonly pattern: string;
      readonly texts: readonly string[];
    }
  | ({ readonly kind: 'compare' } & SchemaComparison);

export type Answer =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'schema-wanted' }
  /** @property unmatched index of the first text that does not match; undefined when all do */
  | { readonly outcome: 'matched'; readonly unmatched: number | undefined }
  | { readonly outcome: 'compared'; readonly comparison: Comparison }
  | {
      readonly outcome: 'refused';
      readonly code: ErrorCode;
      readonly detail: string;
      readonly faults: readonly Fault[];
    };

/** The thread's first message: it has loaded everything. */
export const ready = 'ready';
