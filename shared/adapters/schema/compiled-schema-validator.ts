// PayloadValidator and ContentValidator on compiled schemas, which are kept by content hash in a bounded memory.
// What is small is validated at once; what is not, and all XML, in threads, so that the app answers others meanwhile.

import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../broker-error';
import type { ContentCheck, ContentValidator } from '../../topics/content-check';
import type { PayloadValidator, SchemaSource } from '../../topics/payload-validator';
import type { SchemaType } from '../../topics/topic';
import { type PayloadCheck, SchemaEngine, type SchemaKey } from './schema-engine';
import { compilationTooLong, validationTooLong } from './schema-faults';
import type { SchemaThreads } from './schema-threads';
import { TableContentCheck } from './table-content-check';
import { readTableInSlices, type Table } from './table-schema';
import type { Job } from './thread-messages';
import { WorkLimitExceeded } from './work-limit';

/** What is validated at once: together at most about 40 ms. */
const smallSchemaLength = 16_384;
const smallPayloadLength = 16_384;
const smallLimits = { limitMs: 20, maxObjects: 150, maxProgramSize: 200, maxMatchSteps: 100_000 };
/** Tables kept for files. */
const maxTables = 100;
/** Time in a thread, for every started mebibyte of payload. */
const threadMs = 250;
const mebibyte = 1_048_576;

export class CompiledSchemaValidator implements PayloadValidator, ContentValidator {
  readonly #here = new SchemaEngine(smallLimits);
  readonly #threads: SchemaThreads;
  readonly #tables = new LRUCache<SchemaKey, Table>({ max: maxTables });

  constructor(threads: SchemaThreads) {
    this.#threads = threads;
  }

  async compile(schemaType: SchemaType, schemaText: string): Promise<void> {
    if (this.#compileSmall(schemaType, schemaText)) return;
    await this.#runInThread({ kind: 'compile', schemaType, schemaText });
  }

  async validatePayload(schema: SchemaSource, payload: string): Promise<void> {
    const { schemaType } = schema;
    const key: SchemaKey = `${schemaType}:${schema.schemaHash}`;
    if (payload.length <= smallPayloadLength) {
      const check = this.#here.find(key) ?? (await this.#prepareSmall(schema, key));
      if (check && checkInTime(check, payload)) return;
    }
    const job = { kind: 'validate', schemaType, key, payload } as const;
    if (await this.#runInThread(job)) return;
    await this.#runInThread({ ...job, schemaText: await schema.readText() });
  }

  async openCheck(schema: SchemaSource): Promise<ContentCheck | undefined> {
    const { schemaType, schemaHash } = schema;
    if (schemaType !== 'CSV' && schemaType !== 'TSV') return undefined;
    const key: SchemaKey = `${schemaType}:${schemaHash}`;
    const table = this.#tables.get(key) ?? (await readTableInSlices(schemaType, await schema.readText()));
    this.#tables.set(key, table);
    return new TableContentCheck(table, {
      maxSteps: smallLimits.maxMatchSteps,
      findUnmatched: (pattern, texts) => this.#findUnmatched(pattern, texts),
    });
  }

  async #prepareSmall(schema: SchemaSource, key: SchemaKey): Promise<PayloadCheck | undefined> {
    if (isXml(schema.schemaType)) return undefined;
    const check = this.#compileSmall(schema.schemaType, await schema.readText());
    if (check) this.#here.keep(key, check);
    return check;
  }

  /** Undefined when the schema is not small; then a thread says what is wrong with it, if anything is. */
  #compileSmall(schemaType: SchemaType, text: string): PayloadCheck | undefined {
    if (isXml(schemaType) || text.length > smallSchemaLength) return undefined;
    try {
      return this.#here.compile(schemaType, text);
    } catch (error) {
      if (error instanceof BrokerError) return undefined;
      throw error;
    }
  }

  async #findUnmatched(pattern: string, texts: readonly string[]): Promise<number | undefined> {
    const answer = await this.#threads.run({ kind: 'match', pattern, texts }, threadMs, 'later');
    if (answer.outcome === 'matched') return answer.unmatched;
    throw validationTooLong();
  }

  /** @returns whether the thread did not lack the schema */
  async #runInThread(job: Extract<Job, { kind: 'compile' | 'validate' }>): Promise<boolean> {
    const size = job.kind === 'validate' ? job.payload.length : 0;
    const answer = await this.#threads.run(job, threadMs * Math.max(1, Math.ceil(size / mebibyte)));
    switch (answer.outcome) {
      case 'done':
        return true;
      case 'schema-wanted':
      case 'matched':
      case 'compared':
        return false;
      case 'ended':
        throw job.kind === 'compile' ? compilationTooLong() : validationTooLong();
      case 'refused':
        throw new BrokerError(answer.code, answer.detail, { faults: answer.faults });
    }
  }
}

/** @returns false when it takes longer than may be done at once */
function checkInTime(check: PayloadCheck, payload: string): boolean {
  try {
    check(payload);
    return true;
  } catch (error) {
    if (error instanceof BrokerError && error.cause instanceof WorkLimitExceeded) return false;
    throw error;
  }
}

function isXml(schemaType: SchemaType): boolean {
  return schemaType === 'XSD6' || schemaType === 'XML';
}
