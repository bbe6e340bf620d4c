// What schemas say of the parts of a value: of a property, or of an element.

import type { Evaluator } from './evaluate';
import type { SchemaNode } from './schema-node';

/** What the schemas that hold of a list say of one element. */
export function elementOf(holding: Iterable<SchemaNode>, index: number): readonly SchemaNode[] {
  return [...holding].flatMap((node) => node.element(index) ?? []);
}

/** What the schemas that hold of an object say of one property. */
export function propertyOf(
  holding: Iterable<SchemaNode>,
  name: string,
  evaluator: Evaluator,
): readonly SchemaNode[] {
  return [...holding].flatMap((node) => {
    const named = node.map('properties').get(name);
    const answers = [...node.map('patternProperties')].map(
      ([pattern, schema]) => [evaluator.matches(pattern, name), schema] as const,
    );
    const matching = answers.filter(([isFound]) => isFound === true).map(([, schema]) => schema);
    const found = named ? [named, ...matching] : matching;
    if (found.length > 0 || answers.some(([isFound]) => isFound === undefined)) return found;
    const additional = node.one('additionalProperties');
    return additional ? [additional] : [];
  });
}
