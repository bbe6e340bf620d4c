// Schemas of all types, compiled and kept. It works on the thread that it is called on: schema-thread.ts says
// which one that is.

import { LRUCache } from 'lru-cache';
import type { SchemaType } from '../../topics/topic';
import { compileJsonSchema, type JsonSchemaLimits } from './json-schema-compiler';
import { schemaInvalid, schemaViolation } from './schema-faults';
import { TableCheck } from './table-check';
import { readTable, type Table } from './table-schema';
import { WorkLimit, WorkLimitExceeded } from './work-limit';
import type { XmlSchemas } from './xml-schema';

/** Compiled schemas kept; one of some kilobytes of text takes about 100 KB. */
const maxCompiled = 500;

/** Called with a payload. @throws BrokerError `schema-violation` */
export interface PayloadCheck {
  (payload: string): void;
  /** Gives back memory that no collector knows of. */
  readonly dispose?: () => void;
}

/** Names a compiled schema: type and content hash. */
export type SchemaKey = `${SchemaType}:${string}`;

export class SchemaEngine {
  readonly #checks = new LRUCache<SchemaKey, PayloadCheck>({
    max: maxCompiled,
    dispose: (check) => check.dispose?.(),
  });

  /** @param xml absent on a thread where XML is not validated */
  constructor(
    private readonly limits: JsonSchemaLimits,
    private readonly xml?: XmlSchemas,
  ) {}

  find(key: SchemaKey): PayloadCheck | undefined {
    return this.#checks.get(key);
  }

  keep(key: SchemaKey, check: PayloadCheck): void {
    this.#checks.set(key, check);
  }

  /** @throws BrokerError `schema-invalid` */
  compile(schemaType: SchemaType, text: string): PayloadCheck {
    if (schemaType === 'JSD7') {
      const check = compileJsonSchema(text, this.limits);
      return (payload) => check(parsePayload(payload));
    }
    if (schemaType === 'XSD6' || schemaType === 'XML') {
      if (!this.xml) throw new Error('XML is validated in threads');
      return this.xml.compile(text, schemaType === 'XSD6');
    }
    const table = this.#readTable(schemaType, text);
    return (payload) => {
      const check = new TableCheck(table);
      check.write(payload);
      check.end();
    };
  }

  #readTable(schemaType: 'CSV' | 'TSV', text: string): Table {
    const limit = new WorkLimit(this.limits.limitMs);
    limit.start();
    try {
      return readTable(schemaType, text, () => limit.look());
    } catch (error) {
      if (!(error instanceof WorkLimitExceeded)) throw error;
      throw schemaInvalid([{ field: '', message: 'takes too long to compile' }], error);
    }
  }
}

function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    throw schemaViolation([{ field: '', message: 'must be a JSON document' }], error);
  }
}
