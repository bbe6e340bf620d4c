// What the demonstration publishes: a schema of each type with a payload that matches and one that does not, and
// changes to some of them with the verdict that is expected.

export interface SchemaSample {
  readonly schemaType: 'JSD7' | 'XSD6' | 'XML' | 'CSV' | 'TSV';
  readonly schema: string;
  readonly good: string;
  readonly bad: string;
}

export interface SchemaChange {
  readonly schemaType: SchemaSample['schemaType'];
  readonly title: string;
  readonly schema: string;
  readonly expected: 'compatible' | 'incompatible' | 'unknown';
}

const order = {
  type: 'object',
  properties: {
    product: { type: 'string' },
    amount: { type: 'integer', minimum: 1 },
  },
  required: ['product', 'amount'],
};
const { product, amount } = order.properties;

const orderXsd = (type: string) => `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="order">
    <xs:complexType><xs:sequence><xs:element name="amount" type="xs:${type}"/></xs:sequence></xs:complexType>
  </xs:element>
</xs:schema>`;

const reading = (type: string) =>
  JSON.stringify({
    fields: [
      { name: 'at', type: 'datetime', constraints: { required: true } },
      { name: 'value', type },
    ],
  });

export const samples: readonly SchemaSample[] = [
  {
    schemaType: 'JSD7',
    schema: JSON.stringify(order),
    good: '{"product":"lamp","amount":2}',
    bad: '{"product":"lamp","amount":0}',
  },
  {
    schemaType: 'XSD6',
    schema: orderXsd('positiveInteger'),
    good: '<order><amount>2</amount></order>',
    bad: '<order><amount>two</amount></order>',
  },
  { schemaType: 'XML', schema: '<order><amount>1</amount></order>', good: '<order/>', bad: '<offer/>' },
  {
    schemaType: 'CSV',
    schema: reading('integer'),
    good: 'at,value\n2026-01-31T12:00:00Z,5\n',
    bad: 'at,value\n2026-01-31T12:00:00Z,five\n',
  },
  {
    schemaType: 'TSV',
    schema: 'product\tamount',
    good: 'product\tamount\nlamp\t2\n',
    bad: 'product\nlamp\n',
  },
];

export const changes: readonly SchemaChange[] = [
  {
    schemaType: 'JSD7',
    title: 'an optional property more',
    schema: JSON.stringify({ ...order, properties: { product, amount, note: { type: 'string' } } }),
    expected: 'compatible',
  },
  {
    schemaType: 'JSD7',
    title: 'a higher least amount',
    schema: JSON.stringify({ ...order, properties: { product, amount: { ...amount, minimum: 10 } } }),
    expected: 'incompatible',
  },
  {
    schemaType: 'JSD7',
    title: 'a required property more',
    schema: JSON.stringify({ ...order, required: ['product', 'amount', 'note'] }),
    expected: 'incompatible',
  },
  { schemaType: 'CSV', title: 'numbers for integers', schema: reading('number'), expected: 'compatible' },
  { schemaType: 'TSV', title: 'a column less', schema: 'product', expected: 'incompatible' },
  { schemaType: 'XSD6', title: 'another type', schema: orderXsd('integer'), expected: 'unknown' },
];
