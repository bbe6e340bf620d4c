// Port: tells whether a schema is usable and whether a payload matches it.

import type { SchemaType } from './topic';

/** A schema to validate against; its text is asked for only when no compiled form is at hand. */
export interface SchemaSource {
  readonly schemaType: SchemaType;
  /** Content hash, under which the compiled form is kept. */
  readonly schemaHash: string;
  readonly readText: () => Promise<string>;
}

export interface PayloadValidator {
  /** @throws BrokerError `schema-invalid`, with a JSON pointer, line, or row and column into the schema for each fault
   *   where there is one */
  compile(schemaType: SchemaType, schemaText: string): Promise<void>;

  /** @throws BrokerError `schema-violation`, with the places in the payload and none of its values */
  validatePayload(schema: SchemaSource, payload: string): Promise<void>;
}
