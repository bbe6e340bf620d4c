// Schemas and payloads come from strangers: what is wrong is told with its place, no payload value is repeated, and
// nothing keeps the process busy or reaches out of it.

import { afterAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { CompiledSchemaValidator, SchemaThreads } from '../../../shared/adapters/schema';
import type { BrokerError } from '../../../shared/broker-error';
import { readSchemaText } from '../../../shared/topics/schema-text';

const threads = new SchemaThreads({ program: join(__dirname, '../../../dist/schema-worker.mjs') });
const validator = new CompiledSchemaValidator(threads);
afterAll(() => threads.close());

/** Code and places of the refusal of a schema; undefined when it is accepted. */
async function refusalOf(schema: object): Promise<{ code: string; fields: string[] } | undefined> {
  try {
    await validator.compile('JSD7', JSON.stringify(schema));
    return undefined;
  } catch (error) {
    const { code, faults } = error as BrokerError;
    return { code, fields: faults.map(({ field }) => field) };
  }
}

async function violationOf(schema: object, payload: string): Promise<BrokerError | undefined> {
  const { text, hash } = readSchemaText('JSD7', JSON.stringify(schema));
  try {
    await validator.validatePayload(
      { schemaType: 'JSD7', schemaHash: hash, readText: () => Promise.resolve(text) },
      payload,
    );
    return undefined;
  } catch (error) {
    return error as BrokerError;
  }
}

describe('a schema of draft 7', () => {
  it.each([
    {},
    { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
    {
      $id: 'https://example.org/topic.json',
      definitions: { a: { type: 'string' } },
      $ref: '#/definitions/a',
    },
    { properties: { date: { type: 'string', format: 'date-time' }, own: { format: 'our-own' } } },
    { 'x-own-keyword': { anything: 1 }, example: 5 },
    { if: { required: ['a'] }, then: { required: ['b'] }, else: { maxProperties: 3 } },
    { $ref: 'http://json-schema.org/draft-07/schema#' },
  ])('is accepted: %j', async (schema) => {
    expect(await refusalOf(schema)).toBeUndefined();
    expect(await refusalOf(schema)).toBeUndefined();
  });

  it.each([
    [{ type: 'strng' }, '/type'],
    [{ properties: { a: { minimum: 'one' } } }, '/properties/a/minimum'],
    [{ required: 'a' }, '/required'],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema' }, '/$schema'],
    [{ properties: { a: { $ref: 'https://example.org/remote.json' } } }, '/properties/a/$ref'],
    [{ properties: { a: { $ref: 'file:///etc/passwd' } } }, '/properties/a/$ref'],
    [{ items: { $ref: '#/definitions/missing' } }, '/items/$ref'],
    [{ properties: { a: { pattern: '(?=a)b' } } }, '/properties/a/pattern'],
    [{ properties: { 'a/b': { pattern: '(a' } } }, '/properties/a~1b/pattern'],
    [{ patternProperties: { '(a)\\1': { type: 'string' } } }, '/patternProperties'],
    [{ pattern: 'a'.repeat(3_000) }, '/pattern'],
    [{ pattern: '((a{1,99}){1,9})b{1,999}c{1,999}' }, '/pattern'],
  ])('is refused with the place of what is wrong: %j', async (schema, place) => {
    const refusal = await refusalOf(schema);
    expect(refusal?.code).toBe('schema-invalid');
    expect(refusal?.fields).toContain(place);
  });

  it('is refused when it refers to itself without end', async () => {
    expect((await refusalOf({ $ref: '#' }))?.code).toBe('schema-invalid');
    expect(
      (await refusalOf({ allOf: [{ $ref: '#/definitions/a' }], definitions: { a: { not: { $ref: '#' } } } }))
        ?.code,
    ).toBe('schema-invalid');
  });

  it('cannot take the place of another by its $id', async () => {
    const strict = { $id: 'https://example.org/same', type: 'string' };
    const loose = { $id: 'https://example.org/same' };
    expect(await violationOf(strict, '1')).toMatchObject({ code: 'schema-violation' });
    expect(await violationOf(loose, '1')).toBeUndefined();
    expect(await violationOf(strict, '1')).toMatchObject({ code: 'schema-violation' });
  });

  it('refers to nothing but itself by $data', async () => {
    const schema = { properties: { a: { const: { $data: '1/b' } }, b: {} } };
    expect(await violationOf(schema, '{"a":5,"b":5}')).toMatchObject({ code: 'schema-violation' });
  });
});

describe('a payload', () => {
  const schema = {
    type: 'object',
    required: ['price'],
    additionalProperties: false,
    properties: {
      price: { type: 'number', minimum: 0 },
      name: { type: 'string', pattern: '^[A-Z]+$', maxLength: 5 },
      codes: { type: 'array', items: { enum: ['a', 'b'] } },
      'a/b~c': { type: 'string' },
    },
  };

  it.each(['{"price":1}', ' {"price": 1e3, "name":"ABC","codes":["a","b"]}\n'])(
    'matches: %s',
    async (payload) => {
      expect(await violationOf(schema, payload)).toBeUndefined();
    },
  );

  it.each([
    ['{}', ''],
    ['{"price":-1}', '/price'],
    ['{"price":1,"name":"abc"}', '/name'],
    ['{"price":1,"codes":["a","c"]}', '/codes/1'],
    ['{"price":1,"a/b~c":5}', '/a~1b~0c'],
    ['{"price":1,"other":1}', ''],
    ['[]', ''],
    ['', ''],
    ['not json', ''],
    ['{"price":1', ''],
  ])('is refused with pointers: %s', async (payload, pointer) => {
    const violation = await violationOf(schema, payload);
    expect(violation?.code).toBe('schema-violation');
    expect(violation?.faults.map(({ field }) => field)).toContain(pointer);
  });

  it('may be a list or a text with any characters: such payloads were once refused', async () => {
    expect(await violationOf({ type: 'array' }, '[1,"a-b.c/\'\\"<>"]')).toBeUndefined();
    expect(await violationOf({ type: 'string' }, '"- . / \' \\" < >"')).toBeUndefined();
  });

  it('does not find its values in the refusal, and no endless list of faults', async () => {
    const secret = 'very-secret-value';
    const violation = await violationOf(
      schema,
      JSON.stringify({ price: secret, name: secret, codes: [secret] }),
    );
    expect(JSON.stringify([violation?.message, violation?.faults])).not.toContain(secret);
    const branches = Array.from({ length: 200 }, (_, index) => ({ const: index }));
    expect((await violationOf({ anyOf: branches }, '"x"'))?.faults.length).toBeLessThanOrEqual(20);
    const longName = 'n'.repeat(100_000);
    const pointed = await violationOf({ additionalProperties: { type: 'number' } }, `{"${longName}":""}`);
    expect(pointed?.faults[0]?.field.length).toBeLessThanOrEqual(300);
  });

  it('is judged by its own members, not by those that every object inherits', async () => {
    const own = { required: ['constructor'], properties: { toString: { type: 'string' } } };
    expect(await violationOf(own, '{}')).toMatchObject({ code: 'schema-violation' });
    expect(await violationOf(own, '{"constructor":1}')).toBeUndefined();
    expect(await violationOf({ properties: { ['__proto__']: {} } }, '{"__proto__":{"a":1}}')).toBeUndefined();
  });

  it('does not make two patterns one', async () => {
    const two = { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } } };
    expect(await violationOf(two, '{"a":"a","b":"b"}')).toBeUndefined();
    expect((await violationOf(two, '{"a":"a","b":"a"}'))?.faults[0]?.field).toBe('/b');
  });

  it('has characters, not halves of them', async () => {
    expect(await violationOf({ pattern: '^.$', maxLength: 1 }, '"😀"')).toBeUndefined();
  });

  it('asks for the text of a schema only once', async () => {
    let asked = 0;
    const source = {
      schemaType: 'JSD7' as const,
      schemaHash: 'asked-once',
      readText: () => {
        asked++;
        return Promise.resolve('{"type":"number"}');
      },
    };
    await validator.validatePayload(source, '1');
    await validator.validatePayload(source, '2');
    expect(asked).toBe(1);
  });
});

describe('equality', () => {
  it.each([
    ['a member named valueOf', { const: { valueOf: 1 } }, '{"valueOf":1}', undefined],
    ['a member named constructor', { enum: [{ constructor: {} }] }, '{"constructor":{}}', undefined],
    ['members in another order', { const: { a: 1, b: [2] } }, '{"b":[2],"a":1.0}', undefined],
    ['another value', { const: { a: 1 } }, '{"a":2}', 'schema-violation'],
    ['equal items', { uniqueItems: true }, '[{"a":1,"toString":2},{"toString":2,"a":1}]', 'schema-violation'],
    ['a large multiple', { multipleOf: 3 }, '3.6e21', undefined],
    ['a decimal multiple', { multipleOf: 0.0001 }, '0.0075', undefined],
    ['no multiple', { multipleOf: 0.0001 }, '0.00751', 'schema-violation'],
    [
      'an empty list without what it must contain',
      { items: [{}], contains: { type: 'null' } },
      '[]',
      'schema-violation',
    ],
  ])('is exact: %s', async (_name, schema, payload, code) => {
    expect((await violationOf(schema, payload))?.code).toBe(code);
  });
});

describe('hostile work', () => {
  const next = (index: number) => ({ $ref: `#/definitions/d${index + 1}` });
  const steps = Array.from({ length: 40 }, (_, index): [string, object] => [
    `d${index}`,
    { allOf: [next(index), next(index)] },
  ]);
  const doubling = {
    definitions: Object.fromEntries([...steps, ['d40', { type: 'number' }]]) as object,
    $ref: '#/definitions/d0',
  };
  const twice = { properties: { a: { $ref: '#' } } };
  const hugeList = `[${Array.from({ length: 100_000 }, (_, index) => `{"a":{"b":${index}}}`).join(',')}]`;
  const deep = `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`;
  const within = async (work: () => unknown) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };

  it.each([
    ['a regular expression that backtracks', { pattern: '^(a+)+$' }, `"${'a'.repeat(100_000)}!"`],
    ['references that double at each step', doubling, '1'],
    ['a recursion that doubles at each level', { allOf: [twice, twice] }, deep],
    [
      'a large schema on a large list',
      { items: { allOf: Array.from({ length: 1_000 }, (_, index) => ({ maxProperties: 5 + index })) } },
      hugeList,
    ],
    [
      'a schema that takes long to compile',
      { anyOf: Array.from({ length: 9_000 }, () => ({ type: 'object' })) },
      '1',
    ],
    ['a payload deeper than the stack', twice, `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`],
  ])('is ended in time: %s', async (_name, schema, payload) => {
    // Far above the limit of 200 ms, far below what the work would take: minutes to centuries.
    const tookMs = await within(async () => {
      const violation = await violationOf(schema, payload);
      expect(['schema-violation', 'schema-invalid']).toContain(violation?.code);
    });
    expect(tookMs).toBeLessThan(2_000);
  });

  it('is told apart from texts in the schema that look like code', async () => {
    const name = '"for(;;){" return function validate1(data){';
    const schema = { properties: { [name]: { type: 'string' } }, required: [name] };
    expect(await violationOf(schema, JSON.stringify({ [name]: 'x' }))).toBeUndefined();
    expect(await violationOf(schema, '{}')).toMatchObject({ code: 'schema-violation' });
  });
});
