// The suites of schemas: validating and compiling against bare ajv, and how long the event loop stands still while
// large and hostile schemas and payloads are dealt with.

import Ajv from 'ajv';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import {
  CompiledSchemaValidator,
  SchemaThreads,
  ThreadedSchemaComparer,
} from '../../../shared/adapters/schema';
import type { SchemaSource, SchemaType } from '../../../shared/topics';
import type { Bench } from '../bench';
import { quantile } from '../statistics';
import type { Check, Row, Sample, Suite } from '../suite';
import { longestTurnOf } from './longest-turn';
import { heavyWork, jsonPayload, jsonSchema, table, tablePayload, xmlPayload, xsd } from './schema-samples';

interface Tools {
  readonly validator: CompiledSchemaValidator;
  readonly comparer: ThreadedSchemaComparer;
}

async function withTools<Result>(bench: Bench, use: (tools: Tools) => Promise<Result>): Promise<Result> {
  const threads = new SchemaThreads({ program: join(dirname(bench.bundle), 'schema-worker.mjs') });
  try {
    return await use({
      validator: new CompiledSchemaValidator(threads),
      comparer: new ThreadedSchemaComparer(threads),
    });
  } finally {
    await threads.close();
  }
}

export function sourceOf(schemaType: SchemaType, text: string): SchemaSource {
  const schemaHash = createHash('sha256').update(text).digest('hex');
  return { schemaType, schemaHash, readText: () => Promise.resolve(text) };
}

/** One call after the other for a round, after one that does not count. */
async function repeat({ options }: Bench, call: (turn: number) => unknown): Promise<Sample> {
  await call(0);
  const tookMs: number[] = [];
  const startMs = performance.now();
  const endsAtMs = startMs + (options.roundSeconds * 1_000) / 3;
  for (let turn = 1; performance.now() < endsAtMs; turn++) {
    const beganMs = performance.now();
    await call(turn);
    tookMs.push(performance.now() - beganMs);
  }
  const sorted = tookMs.toSorted((one, other) => one - other);
  return {
    seconds: (performance.now() - startMs) / 1_000,
    requests: tookMs.length,
    messages: 0,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

const validating = (name: string, title: string, type: SchemaType, schema: string, payload: string): Row => ({
  name,
  title,
  measure: (bench) =>
    withTools(bench, ({ validator }) => {
      const source = sourceOf(type, schema);
      return repeat(bench, () => validator.validatePayload(source, payload));
    }),
});

/** @param vary makes a schema that was not compiled before */
const compiling = (name: string, title: string, type: SchemaType, vary: (turn: number) => string): Row => ({
  name,
  title,
  measure: (bench) =>
    withTools(bench, ({ validator }) => repeat(bench, (turn) => validator.compile(type, vary(turn)))),
});

const eventLoop: Check = {
  name: 'event-loop',
  measure: (bench) =>
    withTools(bench, async ({ validator, comparer }) => {
      // What is made once in the life of a process.
      await validator.validatePayload(sourceOf('JSD7', jsonSchema(0)), jsonPayload);
      await validator.openCheck(sourceOf('CSV', table(0)));
      await validator.compile('XML', '<a/>');
      const facts = [];
      for (const { title, work } of heavyWork) {
        const { longestMs } = await longestTurnOf(() => work({ validator, comparer, sourceOf }));
        facts.push({
          title: `event loop stands still: ${title}`,
          value: longestMs,
          unit: 'ms',
          limit: 50,
        });
      }
      return facts;
    }),
};

const bareAjv = new Ajv({ strict: false });

export const schemas: Suite = {
  name: 'schemas',
  summary: 'validating payloads of each type against bare ajv; how long heavy schemas keep the event loop',
  checks: [eventLoop],
  rows: [
    {
      name: 'floor',
      title: 'floor: JSON.parse and bare ajv, 1 KiB',
      measure: (bench) => {
        const validate = bareAjv.compile(JSON.parse(jsonSchema(0)) as object);
        return repeat(bench, async () => Promise.resolve(validate(JSON.parse(jsonPayload))));
      },
    },
    validating('validate-json', 'JSD7, 1 KiB', 'JSD7', jsonSchema(0), jsonPayload),
    validating('validate-csv', 'CSV with a Table Schema, 1 KiB', 'CSV', table(0), tablePayload),
    validating('validate-xml', 'XSD6, 1 KiB, in a thread', 'XSD6', xsd(0), xmlPayload),
  ],
  curves: [],
};

export const schemaCompilation: Suite = {
  name: 'schema-compilation',
  summary: 'compiling and comparing schemas of each type against bare ajv',
  checks: [],
  rows: [
    {
      name: 'floor',
      title: 'floor: bare ajv compiles a schema of 20 properties',
      measure: (bench) =>
        repeat(bench, async (turn) =>
          Promise.resolve(new Ajv({ strict: false }).compile(JSON.parse(jsonSchema(turn)) as object)),
        ),
    },
    compiling('compile-json', 'JSD7, the same', 'JSD7', jsonSchema),
    compiling('compile-csv', 'CSV, a Table Schema of 20 columns', 'CSV', table),
    compiling('compile-xsd', 'XSD6, 20 elements, in a thread', 'XSD6', xsd),
    {
      name: 'compare-json',
      title: 'two JSD7 schemas compared both ways, in a thread',
      measure: (bench) =>
        withTools(bench, ({ comparer }) =>
          repeat(bench, (turn) =>
            comparer.compare(
              {
                schemaType: 'JSD7',
                oldText: jsonSchema(turn),
                newText: jsonSchema(turn + 1),
                directions: ['backward', 'forward'],
                unknownProperties: 'ignored',
              },
              'version',
            ),
          ),
        ),
    },
  ],
  curves: [],
};
