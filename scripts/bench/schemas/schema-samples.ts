// Schemas and payloads to measure with: of usual size, and the heaviest that are let in.

import type { CompiledSchemaValidator, ThreadedSchemaComparer } from '../../../shared/adapters/schema';
import type { SchemaSource, SchemaType } from '../../../shared/topics';

const names = Array.from({ length: 20 }, (_, index) => `field${index}`);
const repeat = (count: number, one: (at: number) => string, separator = '') =>
  Array.from({ length: count }, (_, at) => one(at)).join(separator);

/** Another schema for each turn, alike in all but a bound. */
export function jsonSchema(turn: number): string {
  const properties = Object.fromEntries(
    names.map((name, index) => [
      name,
      index % 2 === 0
        ? { type: 'string', maxLength: 100 + turn, pattern: '^[a-z ]*$' }
        : { type: 'integer', minimum: 0 },
    ]),
  );
  return JSON.stringify({ type: 'object', properties, required: names, additionalProperties: false });
}
export const jsonPayload = JSON.stringify(
  Object.fromEntries(names.map((name, index) => [name, index % 2 === 0 ? 'a'.repeat(60) : index])),
);

export function table(turn: number): string {
  const fields = names.map((name, index) => ({
    name,
    type: index % 2 === 0 ? 'string' : 'integer',
    constraints: index % 2 === 0 ? { required: true, maxLength: 100 + turn } : { minimum: 0 },
  }));
  return JSON.stringify({ fields });
}
export const tablePayload = `${names.join(',')}\n${repeat(5, () => `${names.map((_, index) => (index % 2 === 0 ? 'aaaaaaaaaa' : index)).join(',')}\n`)}`;

export function xsd(turn: number): string {
  const elements = names.map((name) => `<xs:element name="${name}" type="xs:string"/>`).join('');
  return `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><!-- ${turn} --><xs:element name="a"><xs:complexType><xs:sequence>${elements}</xs:sequence></xs:complexType></xs:element></xs:schema>`;
}
export const xmlPayload = `<a>${names.map((name) => `<${name}>${'a'.repeat(30)}</${name}>`).join('')}</a>`;

export interface HeavyTools {
  readonly validator: CompiledSchemaValidator;
  readonly comparer: ThreadedSchemaComparer;
  readonly sourceOf: (schemaType: SchemaType, text: string) => SchemaSource;
}

export interface HeavyWork {
  readonly title: string;
  readonly work: (tools: HeavyTools) => Promise<unknown>;
}

const refused = () => undefined;
const list = `[${repeat(60_000, (at) => `{"a":${at}}`, ',')}]`;
const thousand = JSON.stringify({
  items: { allOf: Array.from({ length: 1_000 }, (_, at) => ({ maxProperties: 5 + at })) },
});
const wide = JSON.stringify({
  properties: Object.fromEntries(
    Array.from({ length: 1_200 }, (_, at) => [`p${at}`, { type: 'string', pattern: `^a{1,${at % 50}}$` }]),
  ),
});
const manyPatterns = JSON.stringify({
  properties: Object.fromEntries(
    Array.from({ length: 140 }, (_, at) => [`p${at}`, { pattern: `^(a{1,90}|b${at})$` }]),
  ),
});
const largePattern = '{"pattern":"^((a|b){1,40}(c|d){1,40}){1,4}$"}';
const columns = JSON.stringify({
  fields: Array.from({ length: 300 }, (_, at) => ({
    name: `c${at}`,
    constraints: { pattern: `[a-z]{1,${1 + (at % 90)}}${at}` },
  })),
});
const someColumns = JSON.stringify({
  fields: Array.from({ length: 150 }, (_, at) => ({
    name: `c${at}`,
    constraints: { pattern: `[a-z]{1,${1 + (at % 90)}}${at}` },
  })),
});
const chunk = new Uint8Array(65_536).fill(0x61);

export const heavyWork: readonly HeavyWork[] = [
  {
    title: 'JSD7, 60,000 objects against 1,000 conditions',
    work: ({ validator, sourceOf }) =>
      validator.validatePayload(sourceOf('JSD7', thousand), list).catch(refused),
  },
  {
    title: 'JSD7, a payload of 2 MiB',
    work: ({ validator, sourceOf }) =>
      validator
        .validatePayload(
          sourceOf('JSD7', '{"items":{"maxLength":9}}'),
          JSON.stringify(['a'.repeat(2_097_000)]),
        )
        .catch(refused),
  },
  {
    title: 'JSD7, a schema of 1,200 properties compiled',
    work: ({ validator }) => validator.compile('JSD7', wide).catch(refused),
  },
  {
    title: 'JSD7, a small schema of 140 patterns compiled',
    work: ({ validator }) => validator.compile('JSD7', manyPatterns).catch(refused),
  },
  {
    title: 'JSD7, 16 KB of text against a large pattern',
    work: ({ validator, sourceOf }) =>
      validator
        .validatePayload(sourceOf('JSD7', largePattern), JSON.stringify('ab'.repeat(8_000)))
        .catch(refused),
  },
  {
    title: 'CSV, a Table Schema of 150 patterns compiled',
    work: ({ validator }) => validator.compile('CSV', someColumns).catch(refused),
  },
  {
    title: 'CSV, a file against a Table Schema of 300 patterns begun',
    work: ({ validator, sourceOf }) => validator.openCheck(sourceOf('CSV', columns)),
  },
  {
    title: 'CSV, 64 KiB of a file against a large pattern',
    work: async ({ validator, sourceOf }) => {
      const schema = '{"fields":[{"name":"a","constraints":{"pattern":"((a|b){1,40}(c|d){1,40}){1,4}"}}]}';
      const check = await validator.openCheck(sourceOf('CSV', schema));
      try {
        await check?.write(new TextEncoder().encode('a\n'));
        for (let at = 0; at < 4; at++) await check?.write(chunk.subarray(0, 16_000));
      } catch {
        // Refused, which is as good.
      }
    },
  },
  {
    title: 'XSD6, a model of 2,000 optional elements compiled',
    work: ({ validator }) =>
      validator
        .compile(
          'XSD6',
          `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:complexType><xs:sequence>${'<xs:element name="b" minOccurs="0" maxOccurs="5"/>'.repeat(2_000)}</xs:sequence></xs:complexType></xs:element></xs:schema>`,
        )
        .catch(refused),
  },
  {
    title: 'JSD7, two schemas of 1,200 properties compared',
    work: ({ comparer }) =>
      comparer.compare(
        {
          schemaType: 'JSD7',
          oldText: wide,
          newText: wide.replace('{1,49}', '{1,48}'),
          directions: ['backward', 'forward'],
          unknownProperties: 'produced',
        },
        'version',
      ),
  },
];
