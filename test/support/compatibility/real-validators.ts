// The comparison of schemas with the validators that judge what is published, in this thread.

import { compileRefusals, type RefusalOf } from '../../../shared/adapters/schema/json-schema-compiler';
import { linearPattern, type LinearPattern } from '../../../shared/adapters/schema/linear-pattern';
import {
  compareJsonSchemas,
  type Comparison,
  type Direction,
  type Json,
} from '../../../shared/topics/compatibility';
import { Evaluator } from '../../../shared/topics/compatibility/evaluate';
import { anyPlace, namedPlace, type Place } from '../../../shared/topics/compatibility/place';
import { SchemaDocument } from '../../../shared/topics/compatibility/schema-node';

const patterns = new Map<string, LinearPattern>();

export function isFound(pattern: string, text: string): boolean {
  const known = patterns.get(pattern) ?? linearPattern(pattern);
  patterns.set(pattern, known);
  return known.test(text);
}

export const evaluator = new Evaluator(isFound);

/** A validator that is compiled when it is first asked: most comparisons need none. */
export function lazyValidator(schema: Json): RefusalOf {
  let refusalOf: RefusalOf | undefined;
  return (document) => (refusalOf ??= compileRefusals(JSON.stringify(schema)))(document);
}

export interface ComparedSides {
  readonly old: RefusalOf;
  readonly new: RefusalOf;
}

export function compare(
  schemas: { readonly old: Json; readonly new: Json },
  directions: readonly Direction[],
  unknownProperties: boolean,
  sides: ComparedSides = { old: lazyValidator(schemas.old), new: lazyValidator(schemas.new) },
): Comparison {
  return compareJsonSchemas(
    { oldSchema: schemas.old, newSchema: schemas.new, directions, unknownProperties },
    {
      validators: { refusalOf: (side, document) => sides[side](JSON.parse(document)) },
      isFound,
      isOutOfTime: () => false,
    },
  );
}

/** Where the documents lie that writers to a schema are taken to produce. */
export function placeOf(schema: Json, unknownProperties: boolean): Place {
  return unknownProperties ? anyPlace : namedPlace(new SchemaDocument('old', schema).root, evaluator);
}
