// XSD6 and XML: every fault with its line, nothing fetched, nothing expanded, nothing of the payload repeated.

import { afterAll, describe, expect, it } from '@jest/globals';
import { SchemaVerdicts } from '../../support/schema-verdicts';

const verdicts = new SchemaVerdicts();
afterAll(() => verdicts.close());

const xsd = (inner: string) =>
  `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">\n${inner}\n</xs:schema>`;
const order = xsd(`<xs:element name="order"><xs:complexType><xs:sequence>
  <xs:element name="amount" type="xs:int"/>
  <xs:element name="code" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
    <xs:pattern value="[A-Z]+"/></xs:restriction></xs:simpleType></xs:element>
</xs:sequence></xs:complexType></xs:element>`);

describe('an XML Schema', () => {
  it.each(['XSD6', 'XML'] as const)('is accepted for topics of type %s', async (type) => {
    expect((await verdicts.ofSchema(type, order)).code).toBe('ok');
  });

  it.each([
    ['no XML', 'plain text', 'line 1'],
    ['nothing', '', ''],
    ['an open element', '<a>', 'line 1'],
    ['another document', '<a/>', 'line 1'],
    ['an unknown type', xsd('<xs:element name="a" type="xs:nope"/>'), 'line 2, /xs:schema/xs:element'],
    ['a document type', `<!DOCTYPE a>${order}`, 'line 1'],
    ['a document type in the second line', `<!-- <!DOCTYPE x> -->\n<!DOCTYPE a>${order}`, 'line 2'],
    ['an include of a file', xsd('<xs:include schemaLocation="file:///etc/passwd"/>'), 'line 2'],
    [
      'an import from the network',
      xsd('<xs:import namespace="u:x" schemaLocation="http://127.0.0.1/x"/>'),
      'line 2',
    ],
    ['a redefinition', xsd('<xs:redefine schemaLocation="x.xsd"/>'), 'line 2'],
  ])('is refused when it is %s', async (_what, schema, place) => {
    const { code, fields } = await verdicts.ofSchema('XSD6', schema);
    expect([code, fields[0]]).toEqual(['schema-invalid', place]);
  });
});

describe('an XML payload', () => {
  it.each([
    '<order><amount>1</amount></order>',
    '\ufeff<?xml version="1.0" encoding="UTF-16"?>\n<!-- c --><?pi x?><order><amount>1</amount><code>A</code></order>',
    '<order xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://127.0.0.1/x"><amount>1</amount></order>',
  ])('matches: %s', async (payload) => {
    expect(await verdicts.ofPayload('XSD6', order, payload)).toEqual({
      code: 'ok',
      fields: [],
      messages: [],
    });
  });

  it.each([
    ['', '', 'must be well-formed XML'],
    ['<order>', 'line 1', 'must be well-formed XML that the schema allows'],
    ['{"a":1}', 'line 1', 'must be well-formed XML that the schema allows'],
    ['<order>\n<amount>secret</amount></order>', 'line 2, /order/amount', 'must be a value of type xs:int'],
    [
      '<order>\n\n<secret/></order>',
      'line 3, /order/secret',
      'is not as the schema says; expected ( amount )',
    ],
    [
      '<order><amount>1</amount><code>secret</code></order>',
      'line 1, /order/code',
      'must keep to the facet pattern of its type',
    ],
    ['<other/>', 'line 1, /other', 'is not as the schema says'],
    ['<!DOCTYPE order><order/>', 'line 1', 'must not have a document type (DTD)'],
  ])('is refused: %s', async (payload, place, message) => {
    const verdict = await verdicts.ofPayload('XSD6', order, payload);
    expect([verdict.code, verdict.fields[0], verdict.messages[0]]).toEqual([
      'schema-violation',
      place,
      message,
    ]);
    expect(verdict.messages.join()).not.toContain('secret');
  });

  it('of a topic with a sample document must have its root element, in its namespace', async () => {
    const sample = '<?xml version="1.0"?><n:order xmlns:n="urn:n"><any/></n:order>';
    expect((await verdicts.ofSchema('XML', sample)).code).toBe('ok');
    expect((await verdicts.ofPayload('XML', sample, '<order xmlns="urn:n" a="1">x</order>')).code).toBe('ok');
    expect((await verdicts.ofPayload('XML', sample, '<order/>')).code).toBe('schema-violation');
    expect((await verdicts.ofPayload('XML', sample, '<n:other xmlns:n="urn:n"/>')).code).toBe(
      'schema-violation',
    );
  });
});
