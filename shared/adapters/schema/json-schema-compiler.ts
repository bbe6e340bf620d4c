// JSON Schema draft 7 (json-schema.org/draft-07) with ajv, set up for schemas and payloads of strangers: nothing
// is fetched, `$data` is off, patterns run in linear time, and the work is limited.

import Ajv, { type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { BrokerError, type Fault } from '../../broker-error';
import type { Refusal } from '../../topics/compatibility';
import { allowForDeviations } from './draft7-deviations';
import { addExactKeywords } from './exact-keywords';
import { linearPattern, type LinearPattern, widestProgramSize } from './linear-pattern';
import {
  maxFaultLength,
  maxFaults,
  schemaInvalid,
  schemaViolation,
  validationTooLong,
} from './schema-faults';
import { limitWork, WorkLimit, WorkLimitExceeded } from './work-limit';

/** What one schema may cost. */
export interface JsonSchemaLimits {
  /** Time of one compilation or validation; beyond it the schema or payload is refused. */
  readonly limitMs: number;
  /** Objects in a schema. */
  readonly maxObjects: number;
  /** Size of a pattern's automaton, in instructions. */
  readonly maxProgramSize: number;
  /** Steps of one match of a pattern, which nothing interrupts but the end of its thread. */
  readonly maxMatchSteps: number;
}

/** Time for the meta-schema, whose work is bounded by the objects of the schema. */
const metaSchemaMs = 200;

/**
 * For a thread, which is ended by its processor time before this time of the clock is over. ajv's time to compile
 * grows with the square of the objects, to about 250 ms.
 */
export const widestLimits: JsonSchemaLimits = {
  limitMs: 800,
  maxObjects: 2_500,
  maxProgramSize: widestProgramSize,
  maxMatchSteps: Infinity,
};

/** Throws BrokerError `schema-violation` when a parsed payload does not match. */
export type Check = (payload: unknown) => void;

/** ajv with the limit where generated code finds it. */
class LimitedAjv extends Ajv {
  readonly limit: WorkLimit;
  readonly limitStep: (weight: number) => void;

  constructor(limit: WorkLimit, maxProgramSize: number) {
    super({
      // Users' schemas may hold keywords of their own, which draft 7 says to ignore.
      strict: false,
      logger: false,
      validateSchema: false,
      // Else `required: ["constructor"]` is met by every object.
      ownProperties: true,
      // Draft 7, §8.3: what stands beside a reference is ignored.
      ignoreKeywordsWithRef: true,
      allErrors: false,
      // Optimising the generated code takes longer than all else, the more so the larger the schema.
      code: { optimize: false, process: limitWork, regExp: patternEngine(limit, maxProgramSize) },
    });
    this.limit = limit;
    this.limitStep = limit.step;
  }
}

/** A pattern that cannot be used, with its text, so that its place can be found. */
class PatternRefused extends Error {
  constructor(
    readonly source: string,
    cause: unknown,
  ) {
    super('a pattern cannot be used', { cause });
    this.name = 'PatternRefused';
  }
}

function patternEngine(limit: WorkLimit, maxProgramSize: number) {
  const engine = (source: string): LinearPattern => {
    limit.look();
    try {
      const pattern = linearPattern(source, maxProgramSize);
      return { ...pattern, test: (text) => limit.match(pattern, text) };
    } catch (error) {
      throw new PatternRefused(source, error);
    }
  };
  return Object.assign(engine, { code: 'linearPattern' });
}

let metaSchema: { ajv: LimitedAjv; validate: ValidateFunction } | undefined;

/** Schemas are checked by one compiled meta-schema, which takes 25 ms to make. */
function checkAgainstMetaSchema(schema: object): readonly Fault[] {
  if (!metaSchema) {
    const ajv = new LimitedAjv(new WorkLimit(metaSchemaMs), widestProgramSize);
    const validate = ajv.getSchema('http://json-schema.org/draft-07/schema');
    if (!validate) throw new Error('ajv has no meta-schema of draft 7');
    metaSchema = { ajv, validate: validate as ValidateFunction };
  }
  metaSchema.ajv.limit.start();
  return metaSchema.validate(schema) ? [] : toFaults(metaSchema.validate.errors ?? []);
}

/**
 * Compiles a schema.
 * @throws BrokerError `schema-invalid`, with the places where they are known
 */
export function compileJsonSchema(schemaText: string, limits: JsonSchemaLimits = widestLimits): Check {
  const judge = compileJudge(schemaText, limits);
  return (payload) => {
    const errors = judge(payload);
    if (errors) throw schemaViolation(toFaults(errors));
  };
}

/** The first thing that is wrong with a parsed payload, and where the schema says so; undefined when it matches. */
export type RefusalOf = (payload: unknown) => Refusal | undefined;

/** Compiles a schema for comparisons. @throws BrokerError `schema-invalid` */
export function compileRefusals(schemaText: string, limits: JsonSchemaLimits = widestLimits): RefusalOf {
  const judge = compileJudge(schemaText, limits);
  return (payload) => {
    // What combines others comes after them.
    const error = judge(payload)?.at(-1);
    if (!error) return undefined;
    const { instancePath, schemaPath, message = 'is not valid' } = error;
    const pointer = decodeURIComponent(schemaPath.replace(/^[^#]*#/, '')).replace(/\/false schema$/, '');
    return {
      pointer: pointer.slice(0, maxFaultLength),
      place: instancePath.slice(0, maxFaultLength),
      message,
    };
  };
}

type Judge = (payload: unknown) => readonly ErrorObject[] | undefined;

function compileJudge(schemaText: string, limits: JsonSchemaLimits): Judge {
  const { limitMs, maxObjects, maxProgramSize, maxMatchSteps } = limits;
  const schema = JSON.parse(schemaText) as Record<string, unknown>;
  try {
    const dialect = schema['$schema'];
    if (dialect !== undefined && !isDraft7(dialect)) {
      throw schemaInvalid([
        { field: '/$schema', message: 'must be http://json-schema.org/draft-07/schema#' },
      ]);
    }
    if (countObjects(schema) > maxObjects) {
      throw schemaInvalid([{ field: '', message: `must not have more than ${maxObjects} objects` }]);
    }
    const faults = checkAgainstMetaSchema(schema);
    if (faults.length) throw schemaInvalid(faults);
    allowForDeviations(schema);
    const limit = new WorkLimit(limitMs, maxMatchSteps);
    const ajv = addExactKeywords(addFormats(new LimitedAjv(limit, maxProgramSize)), limit);
    limit.start();
    const validate = ajv.compile(schema);
    // A schema that refers to itself in place never ends, whatever the payload; better to say so now.
    for (const sample of [null, true, 0, '', [], {}]) validate(sample);
    return (payload) => judge(validate, limit, payload);
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw schemaInvalid([explain(error, schema)], error);
  }
}

function judge(
  validate: ValidateFunction,
  limit: WorkLimit,
  payload: unknown,
): readonly ErrorObject[] | undefined {
  limit.start();
  try {
    return validate(payload) ? undefined : (validate.errors ?? []);
  } catch (error) {
    if (error instanceof WorkLimitExceeded) throw validationTooLong(error);
    // The stack of a recursive schema is as deep as the payload.
    if (error instanceof RangeError) throw schemaViolation([{ field: '', message: 'is nested too deeply' }]);
    throw error;
  }
}

function isDraft7(dialect: unknown): boolean {
  return typeof dialect === 'string' && /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(dialect);
}

/** Pointers and ajv's own sentences, which hold words of the schema and never values of the payload. */
function toFaults(errors: readonly ErrorObject[]): readonly Fault[] {
  return errors.slice(0, maxFaults).map(({ instancePath, message }) => ({
    field: instancePath.slice(0, maxFaultLength),
    message: (message ?? 'is not valid').slice(0, maxFaultLength),
  }));
}

/** What ajv or a pattern threw while compiling, as a fault at its place. */
function explain(error: unknown, schema: unknown): Fault {
  if (error instanceof WorkLimitExceeded) return { field: '', message: 'takes too long to compile' };
  if (error instanceof RangeError)
    return { field: '', message: 'refers to itself without end, or is too large' };
  if (error instanceof PatternRefused) {
    const message = 'must be a pattern that RE2 accepts: no look-around, no back references, not too large';
    return { field: placeOf(schema, isPattern(error.source)) ?? '', message };
  }
  if (error instanceof Ajv.MissingRefError) {
    const { missingRef } = error;
    const field = placeOf(schema, (name, value) => name === '$ref' && isReferenceTo(value, missingRef));
    return { field: field ?? '', message: 'must refer to a place inside this schema; nothing is fetched' };
  }
  return { field: '', message: 'cannot be used: a reference, an $id or a keyword is not valid' };
}

/** The depth of schemas is limited before, here and below. */
function countObjects(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members = Object.values(value as Record<string, unknown>);
  return members.reduce<number>(
    (count, member) => count + countObjects(member),
    Array.isArray(value) ? 0 : 1,
  );
}

function isPattern(source: string): (name: string, value: unknown) => boolean {
  return (name, value) =>
    (name === 'pattern' && value === source) ||
    (name === 'patternProperties' &&
      typeof value === 'object' &&
      value !== null &&
      Object.hasOwn(value, source));
}

/** ajv names the resolved reference; the schema holds it as written. */
function isReferenceTo(value: unknown, resolved: string): boolean {
  return typeof value === 'string' && value !== '' && resolved.endsWith(value.replace(/^#/, ''));
}

/** JSON pointer of the first member that a test accepts. */
function placeOf(
  value: unknown,
  accepts: (name: string, value: unknown) => boolean,
  pointer = '',
): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const here = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (accepts(name, member)) return here.slice(0, maxFaultLength);
    const below = placeOf(member, accepts, here);
    if (below !== undefined) return below;
  }
  return undefined;
}
