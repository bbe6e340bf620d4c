// Entry point of the thread that does heavy validation (dist/schema-worker.mjs). It does one job at a time and may
// be ended in the middle of it.

import * as libxml2 from 'libxml2-wasm';
import { LRUCache } from 'lru-cache';
import { parentPort } from 'node:worker_threads';
import { BrokerError } from '../../broker-error';
import { compareSchemas } from './compare-schemas';
import { widestLimits } from './json-schema-compiler';
import { linearPattern, type LinearPattern } from './linear-pattern';
import { SchemaEngine } from './schema-engine';
import { type Answer, type Job, ready } from './thread-messages';
import { XmlSchemas } from './xml-schema';

const engine = new SchemaEngine(widestLimits, new XmlSchemas(libxml2));
/** Patterns of columns, of which the cells of a file come in many jobs; each may come to hold 8 MB. */
const patterns = new LRUCache<string, LinearPattern>({ max: 8 });
const port = parentPort;

function work(job: Job): Answer {
  if (job.kind === 'compare') return { outcome: 'compared', comparison: compareSchemas(job) };
  if (job.kind === 'match') return { outcome: 'matched', unmatched: findUnmatched(job) };
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

function findUnmatched({ pattern, texts }: Extract<Job, { kind: 'match' }>): number | undefined {
  const compiled = patterns.get(pattern) ?? linearPattern(pattern);
  patterns.set(pattern, compiled);
  const index = texts.findIndex((text) => !compiled.test(text));
  return index === -1 ? undefined : index;
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
