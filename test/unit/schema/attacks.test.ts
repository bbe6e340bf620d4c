// Known attacks by schema and by payload, each ended in time, while the app goes on answering others.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { longestTurnOf } from '../../../scripts/bench/schemas/longest-turn';
import type { SchemaType } from '../../../shared/topics';
import { SchemaVerdicts } from '../../support/schema-verdicts';

const verdicts = new SchemaVerdicts();
/** Hears everybody who tries to fetch anything. */
let listener: Server;
let heard = 0;
let url: string;

beforeAll(async () => {
  listener = createServer((_request, response) => {
    heard++;
    response.end();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await verdicts.close();
  await new Promise((resolve) => listener.close(resolve));
});

const element = (inner: string) =>
  `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a">${inner}</xs:element></xs:schema>`;
const pattern = (value: string) =>
  element(
    `<xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="${value}"/></xs:restriction></xs:simpleType>`,
  );
const repeat = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => one(at)).join('');
const laughs = `<!DOCTYPE a [<!ENTITY l0 "lol">${repeat(9, (at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`)}]><a>&l9;</a>`;
const anything = element(
  '<xs:complexType mixed="true"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/></xs:sequence></xs:complexType>',
);

/** Texts of two letters without an order, in which an automaton comes into a new state at nearly every character. */
function disorder(length: number, seed = 12_345): string {
  let state = seed;
  return repeat(length, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state & 0x10000 ? 'a' : 'b';
  });
}
/** Different rows of this length that all match (a|b)*a(a|b){tail}, and one that does not. */
const disorderedRows = (rows: number, length: number, tail: number) =>
  `${repeat(rows, (at) => `${disorder(length - tail - 1, at)}a${disorder(tail, at)}\n`)}${disorder(length)}!\n`;
const tableOf = (columnPattern: string) =>
  JSON.stringify({ fields: [{ name: 'a', constraints: { pattern: columnPattern } }] });

type Attack = readonly [name: string, type: SchemaType, schema: string, payload: string];

const attacks: readonly Attack[] = [
  [
    'a regular expression that backtracks: ^(a|a)*$',
    'JSD7',
    '{"pattern":"^(a|a)*$"}',
    `"${'a'.repeat(1_000_000)}!"`,
  ],
  [
    'nested repetitions in a pattern of a column',
    'CSV',
    '{"fields":[{"name":"a","constraints":{"pattern":"(x+x+)+y"}}]}',
    `a\n${'x'.repeat(16_000)}\n`,
  ],
  [
    'a pattern of a column whose automaton has ever new states',
    'CSV',
    tableOf('(a|b)*a(a|b){400}'),
    `a\n${disorder(16_000)}!\n`,
  ],
  [
    'the same with a small automaton, of a column',
    'CSV',
    tableOf('(a|b)*a(a|b){50}'),
    `a\n${disorder(16_000)}!\n`,
  ],
  [
    'the same with a small automaton, of JSON',
    'JSD7',
    '{"pattern":"^(a|b)*a(a|b){50}$"}',
    `"${disorder(16_000)}!"`,
  ],
  [
    'the same in many short cells, of which none is dear',
    'CSV',
    tableOf('(a|b)*a(a|b){50}'),
    `a\n${disorderedRows(40, 350, 50)}`,
  ],
  [
    'a pattern of XSD with counted repetitions',
    'XSD6',
    pattern('((a{0,100}){0,100}){0,100}b'),
    `<a>${'a'.repeat(100_000)}</a>`,
  ],
  ['billion laughs', 'XSD6', anything, laughs],
  [
    'quadratic blow-up of one large entity',
    'XML',
    '<a/>',
    `<!DOCTYPE a [<!ENTITY x "${'x'.repeat(50_000)}">]><a>${'&x;'.repeat(50_000)}</a>`,
  ],
  [
    'an external entity (XXE)',
    'XML',
    '<a/>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  ],
  [
    'an ambiguous content model of 2,000 elements',
    'XSD6',
    element(
      `<xs:complexType><xs:sequence>${'<xs:element name="b" minOccurs="0" maxOccurs="5"/>'.repeat(2_000)}</xs:sequence></xs:complexType>`,
    ),
    '<a/>',
  ],
  ['XML nested more deeply than a stack', 'XML', '<a/>', `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`],
  ['a hundred thousand attributes', 'XML', '<b/>', `<a ${repeat(100_000, (at) => `x${at}="1" `)}/>`],
  [
    'JSON nested more deeply than a stack',
    'JSD7',
    '{"items":{"$ref":"#"},"minItems":2}',
    `${'['.repeat(500_000)}${']'.repeat(500_000)}`,
  ],
  [
    'a thousand conditions on each of many objects',
    'JSD7',
    JSON.stringify({
      items: { allOf: Array.from({ length: 1_000 }, (_, at) => ({ maxProperties: 5 + at })) },
    }),
    `[${repeat(60_000, (at) => `{"a":${at}},`)}{"a":1}]`,
  ],
  ['one cell without an end', 'CSV', 'a', `a\n"${'x'.repeat(1_900_000)}`],
  [
    'a schema of thousands of alternatives',
    'JSD7',
    JSON.stringify({ anyOf: Array.from({ length: 8_000 }, () => ({ type: 'object' })) }),
    '1',
  ],
];

describe('an attack is refused in time, and nobody else waits: ', () => {
  it.each(attacks)('%s', async (_name, type, schema, payload) => {
    // The thread that an earlier attack has cost is back.
    await verdicts.ofPayload('XML', '<a/>', '<a/>');
    const { result: verdict, longestMs } = await longestTurnOf(async () => {
      const schemaVerdict = await verdicts.ofSchema(type, schema);
      return schemaVerdict.code === 'ok' ? verdicts.ofPayload(type, schema, payload) : schemaVerdict;
    });
    expect(['schema-violation', 'schema-invalid']).toContain(verdict.code);
    // Of processor time, which a busy machine does not add to.
    expect(longestMs).toBeLessThan(50);
  });

  it.each([
    ['JSD7', (address: string) => `{"$ref":"${address}/schema.json"}`],
    ['JSD7', (address: string) => `{"$schema":"${address}/dialect","$id":"${address}/id"}`],
    [
      'XSD6',
      (address: string) =>
        element('').replace(
          '<xs:element',
          `<xs:import namespace="u:x" schemaLocation="${address}/x.xsd"/><xs:element`,
        ),
    ],
    ['XML', (address: string) => `<!DOCTYPE a SYSTEM "${address}/x.dtd"><a/>`],
    [
      'CSV',
      (address: string) =>
        `{"fields":[{"name":"a"}],"$schema":"${address}","foreignKeys":[{"reference":{"resource":"${address}"}}]}`,
    ],
  ] as const)(
    'a reference to the network from a schema of type %s, which is never followed',
    async (type, schema) => {
      expect((await verdicts.ofSchema(type, schema(url))).code).toBe('schema-invalid');
      expect(heard).toBe(0);
    },
  );

  it('a payload that names its own schema on the network, which is never fetched', async () => {
    const payload = `<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u:x ${url}/x.xsd"/>`;
    expect((await verdicts.ofPayload('XSD6', anything, payload)).code).toBe('ok');
    expect(heard).toBe(0);
  });

  it('a Table Schema of hundreds of patterns, when a file comes, is read in slices', async () => {
    const fields = Array.from({ length: 300 }, (_, at) => ({
      name: `c${at}`,
      constraints: { pattern: `[a-z]{1,${1 + (at % 90)}}${at}` },
    }));
    const schema = JSON.stringify({ fields });
    const { result: verdict, longestMs } = await longestTurnOf(() =>
      verdicts.ofFile('CSV', schema, new TextEncoder().encode('c0\n'), 10),
    );
    expect(verdict.code).toBe('schema-violation');
    expect(longestMs).toBeLessThan(50);
  });

  it('a cell of very many digits that is no number after all, in a file', async () => {
    const schema = '{"fields":[{"name":"a","type":"number"}]}';
    const content = new TextEncoder().encode(`a\n${'1'.repeat(100_000)}x\n`);
    const { result: verdict, longestMs } = await longestTurnOf(() =>
      verdicts.ofFile('CSV', schema, content, 65_536),
    );
    expect(verdict.fields).toEqual(['row 2, column 1 (a)']);
    expect(longestMs).toBeLessThan(50);
  });

  it.each([
    ['long cells', 4, 16_000],
    ['short cells', 40, 480],
  ])(
    'a pattern of a column whose automaton has ever new states, when a file comes with %s',
    async (_cells, rows, length) => {
      const schema = tableOf('(a|b)*a(a|b){60}');
      const content = new TextEncoder().encode(`a\n${disorderedRows(rows, length, 60)}`);
      const { result: verdict, longestMs } = await longestTurnOf(() =>
        verdicts.ofFile('CSV', schema, content, 65_536),
      );
      expect(verdict.code).toBe('schema-violation');
      expect(longestMs).toBeLessThan(50);
    },
  );

  it('comparing everything with everything takes no longer than reading it', async () => {
    const list = `[${repeat(60_000, (at) => `{"a":{"b":${at}}},`)}{"a":{"b":1}}]`;
    expect(await verdicts.ofPayload('JSD7', '{"uniqueItems":true}', list)).toMatchObject({
      messages: ['must NOT have duplicate items'],
    });
    expect(
      (await verdicts.ofPayload('JSD7', '{"uniqueItems":true}', list.replace('"b":1}}]', '"b":-1}}]'))).code,
    ).toBe('ok');
  });

  it('many attacks at once, among which others are still served', async () => {
    const [, type, schema, payload] = attacks[0] ?? ['', 'JSD7', '', ''];
    const hostile = Array.from({ length: 10 }, () => verdicts.ofPayload(type, schema, payload));
    expect((await verdicts.ofPayload('JSD7', '{"type":"object"}', '{}')).code).toBe('ok');
    // It needed none of the threads, for which the ten stand in line.
    expect(verdicts.payloadsInThreads).toContain(payload);
    expect(verdicts.payloadsInThreads).not.toContain('{}');
    expect((await Promise.all(hostile)).map(({ code }) => code)).toEqual(Array(10).fill('schema-violation'));
  });
});
