// Schemas of all types, compiled and kept. It works on the thread that it is called on: schema-thread.ts says
// which one that is.

import { LRUCache } from 'lru-cache';
import type { SchemaType } from '../../topics/topic';
import { compileJsonSchema, type JsonSchemaLimits } from './json-schema-compiler';
import { compilationTooLong, schemaViolation, validationTooLong } from './schema-faults';
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
    const limit = new WorkLimit(this.limits.limitMs, this.limits.maxMatchSteps);
    const table = this.#readTable(schemaType, text, limit);
    return (payload) => checkTable(table, payload, limit);
  }

  #readTable(schemaType: 'CSV' | 'TSV', text: string, limit: WorkLimit): Table {
    limit.start();
    try {
      return readTable(schemaType, text, {
        maxProgramSize: this.limits.maxProgramSize,
        look: () => limit.look(),
      });
    } catch (error) {
      throw error instanceof WorkLimitExceeded ? compilationTooLong(error) : error;
    }
  }
}

function checkTable(table: Table, payload: string, limit: WorkLimit): void {
  limit.start();
  const check = new TableCheck(table, { matches: ({ pattern, text }) => limit.match(pattern, text) });
  try {
    check.write(payload);
    check.end();
  } catch (error) {
    throw error instanceof WorkLimitExceeded ? validationTooLong(error) : error;
  }
}

function parsePayload(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    throw schemaViolation([{ field: '', message: 'must be a JSON document' }], error);
  }
}
