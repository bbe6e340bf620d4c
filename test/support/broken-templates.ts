// Bicep templates with one fault each, over Azure's own types, and who finds it: the compiler finds every one, our own
// checker those that it is there for.

export interface BrokenTemplate {
  /** What is wrong. */
  readonly fault: string;
  readonly source: string;
  /** Part of the sentence that our checker says; undefined where the fault is left to the compiler. */
  readonly found?: string;
  /** It takes Azure's type data to find it. */
  readonly typed?: true;
}

/** Files that templates refer to: correct ones. */
export const companions: Readonly<Record<string, string>> = {
  'part.bicep': `@description('Required. Size.')
param size 'small' | 'large'

@description('Optional. Note.')
param note string?

@description('Both.')
output label string = '\${size}\${note ?? ''}'
`,
  'shared.bicep': `@export()
@description('Exported.')
var shown = hidden

@description('Not exported.')
var hidden = 1
`,
};

const audit = (
  properties: string,
  head = '',
  reference = 'Microsoft.Sql/servers/auditingSettings@2025-01-01',
) => `
${head}
resource server 'Microsoft.Sql/servers@2025-01-01' existing = {
  name: 'example'
}

resource audit '${reference}' = {
  parent: server
  name: 'default'
  properties: ${properties}
}

@description('Used.')
output id string = audit.id
`;
const uses = (expression: string, type = 'string') =>
  `@description('Used.')\noutput used ${type} = ${expression}\n`;
const part = (params: string, label = 'label') =>
  `module part 'part.bicep' = {\n  params: ${params}\n}\n${uses(`part.outputs.${label}`)}`;
const param = (name: string, type: string) => `@description('Required. Something.')\nparam ${name} ${type}\n`;
const variable = (name: string, value: string) => `@description('Something.')\nvar ${name} = ${value}\n`;

/** Without a fault: nobody complains. */
export const soundTemplate = audit("{ state: 'Enabled', retentionDays: 90 }");

export const brokenTemplates: readonly BrokenTemplate[] = [
  {
    fault: 'a misspelt property',
    typed: true,
    source: audit("{ state: 'Enabled', retentionDayz: 90 }"),
    found: 'there is no property retentionDayz',
  },
  {
    fault: 'a missing required property',
    typed: true,
    source: audit('{ retentionDays: 90 }'),
    found: 'the required property state is missing',
  },
  {
    fault: 'a value that is not allowed',
    typed: true,
    source: audit("{ state: 'Maybe' }"),
    found: 'expected "Enabled" | "Disabled"',
  },
  {
    fault: 'a value that is not allowed, behind a variable',
    typed: true,
    source: audit('choice', variable('choice', "{ state: 'Maybe' }")),
    found: 'expected "Enabled" | "Disabled"',
  },
  {
    fault: 'a text where a number belongs',
    typed: true,
    source: audit("{ state: 'Enabled', retentionDays: '90' }"),
    found: 'expected Integer',
  },
  {
    fault: 'a property that only Azure sets',
    typed: true,
    source: `@description('Required. Region.')
param location string

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'example1'
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: { primaryLocation: 'x' }
}
`,
    found: 'primaryLocation is read-only',
  },
  {
    fault: 'a resource type that does not exist',
    typed: true,
    source: audit("{ state: 'Enabled' }", '', 'Microsoft.Sql/servers/auditingSettingz@2025-01-01'),
    found: 'there is no resource type',
  },
  {
    fault: 'an API version that does not exist',
    typed: true,
    source: audit("{ state: 'Enabled' }", '', 'Microsoft.Sql/servers/auditingSettings@1999-01-01'),
    found: 'is not a known version',
  },
  { fault: 'an undeclared name', source: uses('nothing'), found: 'nothing is not declared' },
  { fault: 'an unknown function', source: uses("toUppper('x')"), found: 'there is no function toUppper' },
  { fault: 'an unused parameter', source: param('a', 'string'), found: 'param a is not used' },
  { fault: 'an unused variable', source: variable('a', '1'), found: 'var a is not used' },
  {
    fault: 'an unused existing resource',
    source: "resource a 'Microsoft.Sql/servers@2025-01-01' existing = {\n  name: 'a'\n}\n",
    found: 'resource a is not used',
  },
  {
    fault: 'an unused import',
    source: "import { shown } from 'shared.bicep'\n",
    found: 'shown is imported and not used',
  },
  {
    fault: 'an import of what is not exported',
    source: `import { hidden } from 'shared.bicep'\n${uses('hidden', 'int')}`,
    found: 'does not export hidden',
  },
  {
    fault: 'a module without a required parameter',
    source: part("{ note: 'x' }"),
    found: 'the required property size is missing',
  },
  {
    fault: 'a module with a parameter that it does not have',
    source: part("{ size: 'small', colour: 'red' }"),
    found: 'there is no property colour',
  },
  {
    fault: 'a module that does not exist',
    source: "module part 'absent.bicep' = {}\n",
    found: 'there is no file absent.bicep',
  },
  // What follows is the compiler's affair.
  { fault: 'a module with a value that it does not take', source: part("{ size: 'huge' }") },
  { fault: 'an output that a module does not have', source: part("{ size: 'small' }", 'labell') },
  {
    fault: 'a property that is read and does not exist',
    source: audit("{ state: 'Enabled' }") + uses('audit.properties.colour').replace('used', 'more'),
  },
  { fault: 'a property of what may be null', source: `${param('a', '{ b: string }?')}${uses('a.b')}` },
  { fault: 'a number as an output of type string', source: uses('1 + 1') },
  { fault: 'a region that nobody chose', source: uses('resourceGroup().location') },
];
