// What a participant sends is read without a change to its text, within bounds, and refused with the field named.

import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@azure/functions';
import { Type } from '@sinclair/typebox';
import { BrokerError } from '../../shared/broker-error';
import { normalize, parseJson, readBody, readParams, readQuery, validate } from '../../shared/http/request';

const bytes = (text: string) => Buffer.from(text, 'utf8');

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof BrokerError) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

async function codeOfAsync(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was refused',
    (error: unknown) => (error instanceof BrokerError ? error.code : `not a BrokerError: ${String(error)}`),
  );
}

const get = (url: string, params: Record<string, string> = {}) =>
  new HttpRequest({ method: 'GET', url, params });

describe('parseJson', () => {
  it.each([
    ['nothing at all', bytes('')],
    ['a cut document', bytes('{"a":')],
    ['two documents', bytes('{} {}')],
    ['a single quote', bytes("{'a':1}")],
    ['NaN', bytes('{"a":NaN}')],
    ['a raw NUL inside a text', bytes('{"a":"\0"}')],
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes('{}')])],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['a byte that is not UTF-8', Buffer.concat([bytes('{"a":"'), Buffer.from([0xff]), bytes('"}')])],
    ['an overlong encoding', Buffer.concat([bytes('{"a":"'), Buffer.from([0xc0, 0xaf]), bytes('"}')])],
    ['an encoded surrogate', Buffer.concat([bytes('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), bytes('"}')])],
  ])('refuses %s as malformed', (_what, document) => {
    expect(codeOf(() => parseJson(document))).toBe('malformed-json');
  });

  it('keeps every character of a text, normalised by nobody', () => {
    const text = ' e\u0301 \u00e9 \u200b \ufeff 👩‍👩‍👧 \u2028 \\u0000 ';
    expect(parseJson(bytes(JSON.stringify({ text })))).toEqual({ text });
  });

  it('answers 100,000 levels of nesting with a verdict and not with an overflow', () => {
    const document = bytes(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    const schema = Type.Object({ a: Type.Optional(Type.String()) });
    expect(codeOf(() => validate(schema, parseJson(document), 'body'))).toMatch(
      /^(invalid-parameters|malformed-json)$/,
    );
  });
});

describe('normalize', () => {
  const schema = Type.Object({
    name: Type.Optional(Type.String()),
    amount: Type.Optional(Type.Integer()),
    live: Type.Optional(Type.Boolean()),
    tags: Type.Optional(Type.Array(Type.String())),
    numbers: Type.Optional(Type.Array(Type.Integer())),
  });

  it('drops null members, which count as absent', () => {
    expect(normalize(schema, { name: null, amount: 1 })).toEqual({ amount: 1 });
  });

  it('turns texts into numbers and booleans where the schema wants those', () => {
    expect(normalize(schema, { amount: '12', live: 'false' })).toEqual({ amount: 12, live: false });
  });

  it('turns a single value into a list where the schema wants one', () => {
    expect(normalize(schema, { tags: 'a', numbers: '7' })).toEqual({ tags: ['a'], numbers: [7] });
  });

  it('never touches a text, however much it looks like something else', () => {
    for (const name of ['12', 'true', 'null', ' x ', '', '{"a":1}']) {
      expect(normalize(schema, { name })).toEqual({ name });
    }
  });

  it.each(['1e3', '0x10', '1.5', ' 1', '1 ', '١', '9'.repeat(16), '--1', ''])(
    'does not take "%s" for a whole number',
    (amount) => {
      expect(codeOf(() => validate(schema, { amount }, 'body'))).toBe('invalid-parameters');
    },
  );

  it('treats a member named __proto__ as data and leaves prototypes alone', () => {
    const value = parseJson(bytes('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}'));
    const result = normalize(schema, value) as Record<string, unknown>;
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(result['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(result)).toEqual(['__proto__', 'constructor']);
  });
});

describe('validate', () => {
  const schema = Type.Object(
    { name: Type.String({ minLength: 1 }), list: Type.Optional(Type.Array(Type.String())) },
    { additionalProperties: false },
  );

  it.each<[string, unknown, string]>([
    ['a missing member', {}, 'name'],
    ['a null member', { name: null }, 'name'],
    ['a wrong type', { name: 1 }, 'name'],
    ['a wrong item', { name: 'a', list: ['a', 1] }, 'list/1'],
    ['a null item', { name: 'a', list: [null] }, 'list/0'],
    ['a list instead of an object', [], 'body'],
    ['a text instead of an object', 'name', 'body'],
    ['null instead of an object', null, 'body'],
  ])('names the field of %s', (_what, value, field) => {
    let faults: readonly { field: string }[] = [];
    try {
      validate(schema, value, 'body');
    } catch (error) {
      faults = (error as BrokerError).faults;
    }
    expect(faults.map((fault) => fault.field)).toEqual([field]);
  });

  it('does not repeat what the caller sent', () => {
    const secret = 'do-not-echo-this';
    for (const value of [{ name: [secret] }, { name: 'a', [secret]: 1 }, { name: 'a', list: { secret } }]) {
      try {
        validate(schema, value, 'body');
      } catch (error) {
        expect(JSON.stringify([(error as BrokerError).message, (error as BrokerError).faults])).not.toContain(
          secret,
        );
      }
    }
  });

  it('does not find required members on the prototype', () => {
    const named = Type.Object({ toString: Type.String() });
    expect(codeOf(() => validate(named, {}, 'body'))).toBe('invalid-parameters');
  });
});

describe('readBody', () => {
  const streamed = (chunks: readonly Uint8Array[], headers: Record<string, string> = {}) => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const chunk = chunks[pulled];
          if (chunk) {
            pulled += 1;
            controller.enqueue(chunk);
          } else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    return { request: { headers: new Headers(headers), body }, pulledChunks: () => pulled };
  };

  it('joins chunks, also in the middle of a character', async () => {
    const whole = bytes('{"a":"ü👍"}');
    const { request } = streamed([...whole].map((byte) => Uint8Array.of(byte)));
    expect((await readBody(request, 100)).equals(whole)).toBe(true);
  });

  it('stops reading an endless stream at the limit', async () => {
    const endless = Array.from({ length: 1_000 }, () => new Uint8Array(1_024));
    const { request, pulledChunks } = streamed(endless);
    expect(await codeOfAsync(readBody(request, 10_000))).toBe('payload-too-large');
    expect(pulledChunks()).toBe(10);
  });

  it('refuses a declared length above the limit without reading a byte', async () => {
    const { request, pulledChunks } = streamed([new Uint8Array(1)], { 'content-length': '10001' });
    expect(await codeOfAsync(readBody(request, 10_000))).toBe('payload-too-large');
    expect(pulledChunks()).toBe(0);
  });

  it('does not believe a declared length that is too small', async () => {
    const { request } = streamed([new Uint8Array(10_001)], { 'content-length': '1' });
    expect(await codeOfAsync(readBody(request, 10_000))).toBe('payload-too-large');
  });

  it('accepts exactly the limit', async () => {
    const { request } = streamed([new Uint8Array(10_000)]);
    expect((await readBody(request, 10_000)).byteLength).toBe(10_000);
  });

  it('answers a body that breaks off as malformed', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.error(new Error('reset by peer'));
      },
    });
    expect(await codeOfAsync(readBody({ headers: new Headers(), body }, 10))).toBe('malformed-json');
  });

  it('reads an absent body as no bytes', async () => {
    expect((await readBody({ headers: new Headers(), body: null }, 10)).byteLength).toBe(0);
  });
});

describe('readQuery', () => {
  it('makes lists of repeated keys and texts of single ones', () => {
    const request = get('http://broker/topics?owner=a+b&roles=x&roles=y&name=%E2%82%AC');
    expect(readQuery(request)).toEqual({ owner: 'a b', roles: ['x', 'y'], name: '€' });
  });

  it('takes a repeated key where one value is meant for a fault of that parameter', () => {
    const schema = Type.Object({ limit: Type.Optional(Type.Integer()) });
    const query = readQuery(get('http://broker/topics?limit=1&limit=2'));
    expect(codeOf(() => validate(schema, query, 'query'))).toBe('invalid-parameters');
  });

  it('refuses NUL in a value', () => {
    expect(codeOf(() => readQuery(get('http://broker/topics?name=a%00b')))).toBe('invalid-parameters');
  });

  it('treats a parameter named __proto__ as data', () => {
    const query = readQuery(get('http://broker/topics?__proto__=x'));
    expect(Object.getPrototypeOf(query)).toBe(Object.prototype);
    expect(Object.keys(query)).toEqual(['__proto__']);
  });

  it('reads a query of 16 KB', () => {
    const query = readQuery(get(`http://broker/topics?name=${'a'.repeat(16_384)}`));
    expect(query['name']).toHaveLength(16_384);
  });
});

describe('readParams', () => {
  it('decodes a parameter once', () => {
    const request = get('http://broker/topics/x', { id: 'a%2Fb%252Fc+d' });
    expect(readParams(request, 'topics/{id}')).toEqual({ id: 'a/b%2Fc+d' });
  });

  it.each(['%', '%zz', '%C0%AF', '%ff', 'a%00b'])('refuses the encoding %s', (id) => {
    const request = get('http://broker/topics/x', { id });
    expect(codeOf(() => readParams(request, 'topics/{id}'))).toBe('invalid-parameters');
  });

  it('reads only the parameters of the route', () => {
    const request = get('http://broker/topics/x', { id: 'a', other: '%' });
    expect(readParams(request, 'topics/{id}')).toEqual({ id: 'a' });
  });
});
