// What the composition root takes from the schema adapter.

export { CompiledSchemaValidator } from './compiled-schema-validator';
export { SchemaThreads } from './schema-threads';
export { ThreadedSchemaComparer } from './threaded-schema-comparer';
