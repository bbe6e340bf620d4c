// The checker of the Bicep files finds what the compiler would find: each test is a template with one fault, checked
// against a small set of types in the form in which Azure publishes its own.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type AzureTypes, readAzureTypes } from '../../../scripts/check-infra/azure-types';
import { createParser, type ParseBicep, readFrom } from '../../../scripts/check-infra/parse';
import { Workspace } from '../../../scripts/check-infra/symbols';
import { TypeCheck } from '../../../scripts/check-infra/types';

const root = resolve(__dirname, '../../..');
const thing = 'Example.Things/things@2026-01-01';
let directory: string;
let parse: ParseBicep;
let azure: AzureTypes;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'broker-bicep-'));
  parse = await createParser(root, readFrom(directory));
  azure = readAzureTypes(join(root, 'test', 'support', 'fixtures', 'bicep-types'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Sentences about main.bicep, with `files` beside it. */
function faultsOf(
  source: string,
  files: Readonly<Record<string, string>> = {},
  file = 'main.bicep',
): string[] {
  const all = { ...files, [file]: source };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(directory, name), text);
  const workspace = new Workspace(directory, parse);
  const parsed = workspace.file(file);
  if (parsed.faults.length) return parsed.faults.map(({ text }) => text);
  return [...workspace.checkNames(parsed), ...new TypeCheck(workspace, azure).check(parsed)].map(
    ({ at, text }) => `${at.line}: ${text}`,
  );
}

/** A correct resource with other lines in its properties. */
const thingWith = (properties: string, rest = '') =>
  `resource one '${thing}' = {\n  name: 'one'\n  ${rest}\n  properties: {\n    ${properties}\n  }\n}\n`;

describe('the syntax that the templates use', () => {
  it.each([
    ['exports and imports', `@export()\ntype a = { b: string? }\nparam c a\noutput d string = c.?b ?? ''`],
    ['types with literals', `param a 'x' | 'y'\noutput b string = a`],
    [
      'loops with conditions',
      `param a string[]\nresource b '${thing}' = [for (c, d) in a: if (d > 0) {\n  name: c\n  properties: { size: 'small' }\n}]`,
    ],
    ['functions of the user', `func a(b string) string => toLower(b)\noutput c string = a('X')`],
    [
      'lambdas',
      `param a string[]\noutput b string = join(map(filter(a, c => !empty(c)), c => '\${c}!'), ',')`,
    ],
    ['texts over several lines', `output a string = '''\n  b 'c' \${d}\n'''`],
    ['decorators', `@description('Required. A.')\n@minLength(1)\nparam a string\noutput b string = a`],
  ])('is read: %s', (_what, source) => {
    expect(faultsOf(source)).toEqual([]);
  });

  it('is read in a parameter file', () => {
    const template = "param a string\nparam b int = 1\noutput c string = '${a}${b}'";
    expect(
      faultsOf(
        "using 'main.bicep'\nparam a = readEnvironmentVariable('A', '')\n",
        { 'main.bicep': template },
        'main.bicepparam',
      ),
    ).toEqual([]);
  });

  it.each([
    ['the spread operator', 'param a object\nvar b = { ...a }'],
    ['a half-written file', 'param a'],
    ['an item that the grammar takes for two', 'param a string[]\noutput b string[] = [a[0]]'],
    ['a nested resource', `resource a '${thing}' = {\n  name: 'a'\n  resource b 'parts' = { name: 'b' }\n}`],
  ])('is refused with a sentence where it cannot be read: %s', (_what, source) => {
    expect(faultsOf(source).length).toBeGreaterThan(0);
  });

  it('binds an access to a property before every operator', () => {
    expect(
      faultsOf(
        `param a { b: int, c: bool }\noutput d bool = 1 != a.b && a.c\noutput e int = a.c ? a.b : a.b * 2`,
      ),
    ).toEqual([]);
    expect(faultsOf(`param a { b: int }\noutput d bool = 1 != a.b && a.x`)).toEqual([
      '2: there is no property x; known are b',
    ]);
  });
});

describe('names', () => {
  it.each([
    ['something that is not declared', 'output a string = b', '1: b is not declared'],
    ['a function that does not exist', "output a string = toUppper('x')", '1: there is no function toUppper'],
    ['an unused parameter', 'param a string', '1: param a is not used'],
    ['an unused variable', 'var a = 1', '1: var a is not used'],
    [
      'an unused existing resource',
      `resource a '${thing}' existing = { name: 'a' }`,
      '1: resource a is not used',
    ],
    ['a name declared twice', 'param a string\nvar a = 1\noutput b string = a', '2: a is declared twice'],
    [
      'an import of a file that does not exist',
      "import { a } from 'no.bicep'\noutput b string = a",
      '1: there is no file no.bicep',
    ],
  ])('finds %s', (_what, source, fault) => {
    expect(faultsOf(source)).toContain(fault);
  });

  it('finds imports that are unused, absent or not exported', () => {
    const files = { 'types.bicep': '@export()\ntype a = string\ntype b = string\n' };
    expect(faultsOf("import { a, b, c } from 'types.bicep'\nparam d a", files)).toEqual([
      '2: param d is not used',
      '1: b is imported and not used',
      '1: b of types.bicep is not exported',
      '1: c is imported and not used',
      '1: types.bicep has no c',
    ]);
  });

  it('finds parameters that a parameter file lacks or that its template does not have', () => {
    const files = { 'main.bicep': 'param a string\noutput b string = a' };
    expect(faultsOf("using 'main.bicep'\nparam c = 1\n", files, 'main.bicepparam')).toEqual([
      '1: param a is missing',
      '1: main.bicep has no param c',
    ]);
  });
});

describe('resources', () => {
  it('pass when they fit their type', () => {
    expect(
      faultsOf(thingWith("size: 'small'\n    count: 3\n    parts: [{ kind: 'wheel', spokes: 12 }]")),
    ).toEqual([]);
  });

  it.each([
    [
      'an unknown type',
      `resource a 'Example.Things/nothing@2026-01-01' = { name: 'a' }`,
      'there is no resource type',
    ],
    [
      'an unknown version',
      `resource a 'Example.Things/things@2020-01-01' = { name: 'a' }`,
      'is not a known version: Example.Things/things@2026-01-01',
    ],
    ['a misspelt property', thingWith("siize: 'small'"), 'there is no property siize'],
    ['a missing required property', thingWith('count: 1'), 'the required property size is missing'],
    [
      'a missing name',
      `resource a '${thing}' = {\n  properties: { size: 'small' }\n}`,
      'the required property name is missing',
    ],
    ['a read-only property', thingWith("size: 'small'\n    state: 'ready'"), 'state is read-only'],
    ['a value that is not allowed', thingWith("size: 'huge'"), 'expected "small" | "large"'],
    ['a text where a number belongs', thingWith("size: 'small'\n    count: '3'"), 'expected int'],
    ['a number out of range', thingWith("size: 'small'\n    count: 11"), 'expected int'],
    ['a text that is too long', thingWith("size: 'small'\n    label: 'abcdef'"), 'expected string'],
    [
      'a wrong kind of element',
      thingWith("size: 'small'\n    parts: [{ kind: 'door' }]"),
      'kind must be one of wheel, seat',
    ],
    [
      'a property of another kind of element',
      thingWith("size: 'small'\n    parts: [{ kind: 'seat', spokes: 1 }]"),
      'there is no property spokes',
    ],
    [
      'a wrong value behind a variable',
      `var a = { size: 'huge' }\nresource b '${thing}' = { name: 'b', properties: a }`,
      'expected "small" | "large"',
    ],
    [
      'a wrong branch of a choice',
      `param a bool\n${thingWith("size: a ? 'small' : 'huge'")}`,
      'expected "small" | "large"',
    ],
    [
      'any text where only some are allowed',
      `param a string\n${thingWith('size: a')}`,
      'expected "small" | "large"',
    ],
    [
      'a property of a resource that does not exist',
      `${thingWith("size: 'small'")}output a string = one.properties.colour`,
      'there is no property colour',
    ],
  ])('%s is found', (_what, source, fault) => {
    expect(faultsOf(source)).toContainEqual(expect.stringContaining(fault));
  });
});

describe('modules', () => {
  const files = {
    'part.bicep':
      "param size 'small' | 'large'\nparam note string?\noutput label string = '${size}${note ?? ''}'",
  };
  const call = (params: string) =>
    `module part 'part.bicep' = { params: { ${params} } }\noutput a string = part.outputs.label`;

  it('pass when they are called with what they take', () => {
    expect(faultsOf(call("size: 'small'"), files)).toEqual([]);
  });

  it.each([
    ['a missing parameter', call("note: 'x'"), 'the required property size is missing'],
    ['a parameter that does not exist', call("size: 'small', colour: 'red'"), 'there is no property colour'],
    ['a value that is not allowed', call("size: 'huge'"), 'expected "small" | "large"'],
    [
      'an output that does not exist',
      call("size: 'small'").replace('label', 'labell'),
      'there is no property labell',
    ],
    ['a file that does not exist', "module part 'no.bicep' = { params: {} }", 'there is no file no.bicep'],
    [
      'no parameters where some are required',
      "module part 'part.bicep' = {}",
      'the required property params is missing',
    ],
  ])('%s is found', (_what, source, fault) => {
    expect(faultsOf(source, files)).toEqual([expect.stringContaining(fault)]);
  });

  it('finds an access to what may be null', () => {
    expect(faultsOf('type t = { b: string }\nfunc c(a t?) string => a.b\noutput d string = c(null)')).toEqual(
      ['2: b of what may be null: use .?'],
    );
  });
});
