// Where ajv reads draft 7 otherwise than the standard does, the schema is rewritten before it is compiled. The
// official test suite tells what is left to do here.

const oneSchema = [
  'additionalItems',
  'additionalProperties',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
];
const schemaLists = ['allOf', 'anyOf', 'oneOf', 'items'];
const schemaMaps = ['properties', 'patternProperties', 'definitions', 'dependencies'];

type Schema = Record<string, unknown>;

/** Every schema directly inside another one. Lists that are no schemas, as in `dependencies`, are passed over. */
export function schemasInside(schema: Schema): readonly Schema[] {
  const found = [...oneSchema, 'else', 'items'].map((keyword) => schema[keyword]);
  for (const keyword of schemaLists) {
    const list = schema[keyword];
    if (Array.isArray(list)) found.push(...(list as unknown[]));
  }
  for (const keyword of schemaMaps) {
    const map = schema[keyword];
    if (isSchema(map)) found.push(...Object.values(map));
  }
  return found.filter(isSchema);
}

/** Changes a freshly parsed schema in place, so that ajv understands it as draft 7 does. */
export function allowForDeviations(schema: Schema, isRoot = true): void {
  // §8.3: what stands beside a reference is ignored; ajv still takes the base of its address from an `$id` there.
  if (!isRoot && typeof schema['$ref'] === 'string') delete schema['$id'];
  for (const inner of schemasInside(schema)) allowForDeviations(inner, false);
  // ajv lets an empty list pass `contains` when `items` is a list too.
  if (Object.hasOwn(schema, 'contains')) {
    const { minItems } = schema;
    schema['minItems'] = typeof minItems === 'number' ? Math.max(1, minItems) : 1;
  }
  const { properties } = schema;
  // ajv passes over a property of this name.
  if (isSchema(properties) && Object.hasOwn(properties, '__proto__')) {
    const pattern = '^__proto__$';
    const named = Object.getOwnPropertyDescriptor(properties, '__proto__')?.value as unknown;
    const patterns = isSchema(schema['patternProperties']) ? schema['patternProperties'] : {};
    const both = Object.hasOwn(patterns, pattern) ? { allOf: [named, patterns[pattern]] } : named;
    schema['patternProperties'] = { ...patterns, [pattern]: both };
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
