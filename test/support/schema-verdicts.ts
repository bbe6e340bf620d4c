// Verdicts of the real validator, with its real threads, as short texts to compare.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CompiledSchemaValidator, SchemaThreads } from '../../shared/adapters/schema';
import { BrokerError } from '../../shared/broker-error';
import type { SchemaType } from '../../shared/topics';

export interface Verdict {
  /** `ok`, or the code of the refusal. */
  readonly code: string;
  readonly fields: readonly string[];
  readonly messages: readonly string[];
}

/** The real threads, and what they were asked to do. */
class RecordedThreads extends SchemaThreads {
  readonly payloads: string[] = [];

  override run(...[job, limitMs]: Parameters<SchemaThreads['run']>): ReturnType<SchemaThreads['run']> {
    if (job.kind === 'validate') this.payloads.push(job.payload);
    return super.run(job, limitMs);
  }
}

export class SchemaVerdicts {
  readonly #threads = new RecordedThreads({ program: join(__dirname, '../../dist/schema-worker.mjs') });
  readonly validator = new CompiledSchemaValidator(this.#threads);

  /** The payloads that threads have been given so far. */
  get payloadsInThreads(): readonly string[] {
    return this.#threads.payloads;
  }

  ofSchema(type: SchemaType, schema: string): Promise<Verdict> {
    return verdict(() => this.validator.compile(type, schema));
  }

  ofPayload(type: SchemaType, schema: string, payload: string): Promise<Verdict> {
    return verdict(() => this.validator.validatePayload(source(type, schema), payload));
  }

  /** A file that comes in chunks of this many bytes. */
  ofFile(type: SchemaType, schema: string, content: Uint8Array, chunkBytes: number): Promise<Verdict> {
    return verdict(async () => {
      const check = await this.validator.openCheck(source(type, schema));
      for (let at = 0; at < content.length; at += chunkBytes) {
        await check?.write(content.subarray(at, at + chunkBytes));
      }
      await check?.end();
    });
  }

  close(): Promise<void> {
    return this.#threads.close();
  }
}

function source(schemaType: SchemaType, text: string) {
  const schemaHash = createHash('sha256').update(text).digest('hex');
  return { schemaType, schemaHash, readText: () => Promise.resolve(text) };
}

async function verdict(work: () => Promise<unknown>): Promise<Verdict> {
  try {
    await work();
    return { code: 'ok', fields: [], messages: [] };
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const { code, faults } = error;
    return { code, fields: faults.map(({ field }) => field), messages: faults.map(({ message }) => message) };
  }
}
