// CSV and TSV: every fault with its row and column, whatever the chunks, and nothing of the payload repeated.

import { afterAll, describe, expect, it } from '@jest/globals';
import { SchemaVerdicts } from '../../support/schema-verdicts';

const verdicts = new SchemaVerdicts();
afterAll(() => verdicts.close());

const fields = [
  { name: 'id', type: 'integer', constraints: { required: true, unique: true, minimum: 1 } },
  { name: 'name', constraints: { maxLength: 5, pattern: '[a-zä ]*' } },
  { name: 'price', type: 'number', constraints: { maximum: '99.5' } },
  { name: 'day', type: 'date' },
  { name: 'kind', constraints: { enum: ['a', 'b'] } },
];
const tableSchema = JSON.stringify({ fields, missingValues: ['', '-'] });
const header = 'id,name,price,day,kind';

describe('a Table Schema', () => {
  it.each([
    ['nothing but fields', { fields: [{ name: 'a' }] }],
    ['every type', { fields: ['string', 'number', 'geojson'].map((type) => ({ name: type, type })) }],
    ['a key', { fields: [{ name: 'a' }, { name: 'b' }], primaryKey: ['a', 'b'] }],
    ['words of its own', { fields: [{ name: 'a', title: 'A', description: '…' }], $schema: 'https://x.org' }],
  ])('is accepted with %s', async (_what, schema) => {
    expect((await verdicts.ofSchema('CSV', JSON.stringify(schema))).code).toBe('ok');
  });

  it.each([
    [{ fields: [] }, '/fields'],
    [{}, ''],
    [{ fields: [{ name: 'a' }, { name: 'a' }] }, '/fields/1/name'],
    [{ fields: [{ name: 'a', type: 'strng' }] }, '/fields/0/type'],
    [{ fields: [{ name: 'a', type: 'date', format: '%d.%m.%Y' }] }, '/fields/0/format'],
    [{ fields: [{ name: 'a', constraints: { pattern: '(?=a)b' } }] }, '/fields/0/constraints/pattern'],
    [{ fields: [{ name: 'a', constraints: { minimum: 5 } }] }, '/fields/0/constraints/minimum'],
    [{ fields: [{ name: 'a' }], primaryKey: 'b' }, '/primaryKey'],
    [{ fields: [{ name: 'a' }], foreignKeys: [{}] }, '/foreignKeys'],
    [{ fields: [{ name: 'a', type: 'number', groupChar: ',' }] }, '/fields/0/groupChar'],
  ])('is refused with the place of what is wrong: %j', async (schema, place) => {
    const { code, fields: places } = await verdicts.ofSchema('TSV', JSON.stringify(schema));
    expect([code, ...places]).toEqual(['schema-invalid', place]);
  });

  it.each(['{', '', 'a,,b', 'a,a', 'a,b\n1,2', 'a,"b', 'a\u0000'])(
    'is refused when it is neither JSON nor a header row: %j',
    async (schema) => {
      expect((await verdicts.ofSchema('CSV', schema)).code).toBe('schema-invalid');
    },
  );
});

describe('a table', () => {
  it.each([
    ['with all types', `${header}\n1,ann,99.5,2026-02-28,a\n2,,-,,-\n`],
    ['without a last line end', `${header}\n1,ann,1e1,2024-02-29,b`],
    ['with a byte order mark', `\ufeff${header}\n1,,,,\n`],
    ['with mixed line ends', `${header}\r\n1,,,,\r2,,,,\n3,,,,\r\n`],
    ['with quoted cells', `"id",name,price,day,kind\n"1","a b","1",,\n`],
    ['without rows', header],
  ])('matches %s', async (_what, payload) => {
    expect(await verdicts.ofPayload('CSV', tableSchema, payload)).toEqual({
      code: 'ok',
      fields: [],
      messages: [],
    });
  });

  it.each([
    ['nothing', '', ['row 1']],
    ['another header', 'id,nam,price,day,kind\n', ['row 1, column 2']],
    ['a short header', 'id,name\n', ['row 1']],
    ['a ragged row', `${header}\n1,a,1,2026-01-01,a\n2,b\n`, ['row 3']],
    ['a row that is too long', `${header}\n1,a,1,2026-01-01,a,x\n`, ['row 2, column 6']],
    ['an open quotation mark', `${header}\n1,"a,1,2026-01-01,a\n`, ['row 2, column 2']],
    ['a quotation mark inside', `${header}\n1,a"b,1,,a\n`, ['row 2, column 2']],
    ['text after a closing mark', `${header}\n1,"a"b,1,,a\n`, ['row 2, column 2']],
    ['NUL', `${header}\n1,\u0000,1,,a\n`, ['row 2, column 2']],
    ['an empty line', `${header}\n\n1,,,,\n`, ['row 2, column 1 (id)', 'row 2']],
    [
      'wrong cells',
      `${header}\n0,toolong,x,2026-02-30,c\n,A,100,,\n`,
      [
        ...['id', 'name', 'price', 'day', 'kind'].map((name, at) => `row 2, column ${at + 1} (${name})`),
        'row 3, column 1 (id)',
        'row 3, column 2 (name)',
        'row 3, column 3 (price)',
      ],
    ],
    ['a repeated value', `${header}\n1,,,,\n1,,,,\n`, ['row 3, column 1 (id)']],
  ])('is refused with row and column for %s', async (_what, payload, places) => {
    const verdict = await verdicts.ofPayload('CSV', tableSchema, payload);
    expect([verdict.code, verdict.fields]).toEqual(['schema-violation', places]);
  });

  it('may hold formulas, which are texts like any other', async () => {
    expect((await verdicts.ofPayload('CSV', 'a,b', 'a,b\n=1+1,@SUM(A1)\n+5,-cmd\n')).code).toBe('ok');
  });

  it('with a header row for a schema needs that header and rows as wide', async () => {
    expect((await verdicts.ofPayload('CSV', 'a,"b c"', 'a,b c\n1,\n')).code).toBe('ok');
    expect((await verdicts.ofPayload('CSV', 'a,b', 'b,a\n')).fields).toEqual(['row 1, column 1']);
    expect((await verdicts.ofPayload('CSV', 'a,b', 'a,b\n1\n')).fields).toEqual(['row 2']);
  });

  it('of tabs knows no quotation marks', async () => {
    expect((await verdicts.ofPayload('TSV', 'a\tb', 'a\tb\n"1\tx"y\r\n')).code).toBe('ok');
    expect((await verdicts.ofPayload('TSV', 'a\tb', 'a,b\n')).fields).toEqual(['row 1, column 1']);
  });

  it('has a key that names each row once', async () => {
    const keyed = JSON.stringify({ fields: [{ name: 'a' }, { name: 'b' }], primaryKey: ['a', 'b'] });
    expect((await verdicts.ofPayload('CSV', keyed, 'a,b\n1,2\n2,1\n')).code).toBe('ok');
    expect((await verdicts.ofPayload('CSV', keyed, 'a,b\n1,2\n1,2\n')).fields).toEqual(['row 3']);
  });

  it('does not find its values in the refusal, nor more than 20 faults', async () => {
    const secret = 'very-secret';
    const rows = `${secret},${secret},${secret},${secret},${secret}\n`.repeat(100);
    const verdict = await verdicts.ofPayload('CSV', tableSchema, `${header}\n${rows}`);
    expect(verdict.fields).toHaveLength(20);
    expect(JSON.stringify(verdict)).not.toContain(secret);
  });

  it.each([1, 2, 3, 7, 65_536])('is read the same in chunks of %d bytes', async (chunkBytes) => {
    const read = (text: string) => verdicts.ofFile('CSV', tableSchema, Buffer.from(text), chunkBytes);
    expect((await read(`\ufeff${header}\r\n1,"ä ä",1,,a\r\n2,"b",1,,b`)).code).toBe('ok');
    expect((await read(`${header}\r\n1,"ä ""ä",1,,a\r\n2,b,x,,b`)).fields).toEqual([
      'row 2, column 2 (name)',
    ]);
    expect((await read(`${header}\r\n1,ä,1,,a\r\n2,b,x,,b`)).fields).toEqual(['row 3, column 3 (price)']);
  });

  it('in a file has cells that are dear to match, each of them held against the pattern of its column', async () => {
    const schema = JSON.stringify({
      fields: [
        { name: 'text', constraints: { pattern: '[a-z]{1,1000}' } },
        { name: 'other', constraints: { pattern: '[a-z]{1,900}' } },
      ],
    });
    const [text, other] = ['t'.repeat(950), 'o'.repeat(850)];
    const read = (rows: readonly string[]) =>
      verdicts.ofFile('CSV', schema, Buffer.from(`text,other\n${rows.join('\n')}\n`), 10_000);
    const good = Array.from({ length: 40 }, () => `${text},${other}`);
    expect((await read(good)).code).toBe('ok');
    expect((await read(good.with(30, `${text},${other}O`))).fields).toEqual(['row 32, column 2 (other)']);
    expect((await read(good.with(39, `${text}T,${other}`))).fields).toEqual(['row 41, column 1 (text)']);
    expect((await read(good.with(0, `${'t'.repeat(20_000)},o`))).fields).toEqual(['row 2, column 1 (text)']);
  });

  it('in a file must be UTF-8', async () => {
    expect((await verdicts.ofFile('CSV', 'a', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), 2)).messages).toEqual([
      'must be UTF-8',
    ]);
  });
});
