// PayloadValidator on compiled schemas, which are kept by content hash in a bounded memory.

import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../broker-error';
import type { PayloadValidator, SchemaSource } from '../../topics/payload-validator';
import type { SchemaType } from '../../topics/topic';
import { type Check, compileJsonSchema } from './json-schema-compiler';

/** Compiled schemas kept; one of some kilobytes of text takes about 100 KB. */
const maxCompiled = 500;

export class CompiledSchemaValidator implements PayloadValidator {
  readonly #compiled = new LRUCache<string, Check>({ max: maxCompiled });

  compile(schemaType: SchemaType, schemaText: string): void {
    compilerOf(schemaType)(schemaText);
  }

  async validatePayload(schema: SchemaSource, payload: string): Promise<void> {
    const key = `${schema.schemaType}:${schema.schemaHash}`;
    let check = this.#compiled.get(key);
    if (!check) {
      check = compilerOf(schema.schemaType)(await schema.readText());
      this.#compiled.set(key, check);
    }
    check(parsePayload(payload));
  }
}

function compilerOf(schemaType: SchemaType): (schemaText: string) => Check {
  if (schemaType === 'JSD7') return compileJsonSchema;
  throw new BrokerError('schema-type-unsupported', `Payloads of type ${schemaType} cannot be validated yet.`);
}

function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    throw new BrokerError('schema-violation', 'The payload is not a JSON document.', {
      faults: [{ field: '', message: 'must be a JSON document' }],
      cause: error,
    });
  }
}
