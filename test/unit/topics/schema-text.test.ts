// The same schema is the same text, or equal JSON; anything else is another schema.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  depthExceeds,
  maxSchemaBytes,
  maxSchemaDepth,
  readSchemaText,
  schemaToJson,
} from '../../../shared/topics/schema-text';

const hash = (text: string) => readSchemaText('JSD7', text).hash;
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** The same JSON with members in another order and other white space. */
function shuffled(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[ ${value.map(shuffled).join(' ,\n')}]`;
  const members = Object.entries(value).reverse();
  return `{\t${members.map(([name, member]) => `${JSON.stringify(name)} : ${shuffled(member)}`).join(',')} }`;
}

describe('a schema', () => {
  it('has one hash in every order and spacing of its JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value);
        expect(hash(shuffled(JSON.parse(text)))).toBe(hash(text));
      }),
    );
  });

  it('has another hash when a value, a name or the order of a list differs', () => {
    const hashes = [
      '{"a":1}',
      '{"a":"1"}',
      '{"b":1}',
      '{"a":[1,2]}',
      '{"a":[2,1]}',
      '{"a":null}',
      '{}',
      '{"a":{}}',
    ].map(hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hash('{"a":1.0}')).toBe(hash('{"a":1}'));
    expect(hash('{"__proto__":{"a":1}}')).not.toBe(hash('{}'));
  });

  it.each(['', '[]', '"text"', '1', 'null', '{', '{"a":1}{', '\ufeff{}'])(
    'of type JSD7 is not %j, which is no JSON object',
    (text) => {
      expect(() => readSchemaText('JSD7', text)).toThrow(
        expect.objectContaining({ code: 'invalid-parameters' }),
      );
    },
  );

  it('is refused when it is too large, too deep or holds half a character', () => {
    const filled = (bytes: number) => `{"title":"${'x'.repeat(bytes - 12)}"}`;
    expect(readSchemaText('JSD7', filled(maxSchemaBytes)).text).toHaveLength(maxSchemaBytes);
    expect(() => hash(filled(maxSchemaBytes + 1))).toThrow(
      expect.objectContaining({ code: 'payload-too-large' }),
    );
    expect(hash(nested(maxSchemaDepth))).toHaveLength(64);
    expect(() => hash(nested(maxSchemaDepth + 1))).toThrow(
      expect.objectContaining({ code: 'invalid-parameters' }),
    );
    expect(() => hash(nested(40_000))).toThrow(expect.objectContaining({ code: 'invalid-parameters' }));
    expect(() => hash('{"a":"\ud800"}')).toThrow(expect.objectContaining({ code: 'invalid-parameters' }));
  });

  it('comes back as its JSON, and wrapped under its type when it is none', () => {
    expect(schemaToJson('JSD7', '{"type":"object"}')).toEqual({ type: 'object' });
    expect(schemaToJson('CSV', 'a;b;c')).toEqual({ CSV: 'a;b;c' });
    expect(schemaToJson('XSD6', '<schema/>')).toEqual({ XSD6: '<schema/>' });
    expect(JSON.stringify(schemaToJson('JSD7', '{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  });

  it('is as deep as its deepest branch', () => {
    expect(depthExceeds(1, 0)).toBe(false);
    expect(depthExceeds({ a: 1 }, 1)).toBe(false);
    expect(depthExceeds({ a: 1, b: [[]] }, 2)).toBe(true);
    expect(depthExceeds({ a: 1, b: [[]] }, 3)).toBe(false);
  });
});
