// Entry point of the thread that does heavy validation (dist/schema-worker.mjs). It does one job at a time and may
// be ended in the middle of it.

import * as libxml2 from 'libxml2-wasm';
import { parentPort } from 'node:worker_threads';
import { BrokerError } from '../../broker-error';
import { compareSchemas } from './compare-schemas';
import { widestLimits } from './json-schema-compiler';
import { SchemaEngine } from './schema-engine';
import { type Answer, type Job, ready } from './thread-messages';
import { XmlSchemas } from './xml-schema';

const engine = new SchemaEngine(widestLimits, new XmlSchemas(libxml2));
const port = parentPort;

function work(job: Job): Answer {
  if (job.kind === 'compare') return { outcome: 'compared', comparison: compareSchemas(job) };
  if (job.kind === 'compile') {
    const check = engine.compile(job.schemaType, job.schemaText);
    check.dispose?.();
    return { outcome: 'done' };
  }
  let check = engine.find(job.key);
  if (!check) {
    if (job.schemaText === undefined) return { outcome: 'schema-wanted' };
    check = engine.compile(job.schemaType, job.schemaText);
    engine.keep(job.key, check);
  }
  check(job.payload);
  return { outcome: 'done' };
}

function answer(job: Job): Answer {
  try {
    return work(job);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return { outcome: 'refused', code: error.code, detail: error.message, faults: error.faults };
  }
}

// The first schema makes ajv's meta-schema, which is not to be part of anybody's time.
engine.compile('JSD7', '{}');
port?.on('message', (job: Job) => port.postMessage(answer(job)));
port?.postMessage(ready);

// Without it the bundler takes this file for CommonJS, which cannot wait for WebAssembly.
export {};
