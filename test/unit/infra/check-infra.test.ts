// Our checker of the Bicep files: each test is a template with one fault, checked against a small set of types in the
// form in which Azure publishes its own. test/integration/infra/bicep-compiler.test.ts compares it with the compiler.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type AzureTypes, readAzureTypes } from '../../../scripts/check-infra/azure-types';
import { createParser, type ParseBicep, readFrom } from '../../../scripts/check-infra/parse';
import { planDeployment } from '../../../scripts/check-infra/policy/evaluate';
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
    ['a function of the user', `func a(b string) string => toLower(b)\noutput c string = 'x'`],
    ['a nested resource', `resource a '${thing}' = {\n  name: 'a'\n  resource b 'parts' = { name: 'b' }\n}`],
  ])('is refused with a sentence where it cannot be read: %s', (_what, source) => {
    expect(faultsOf(source).length).toBeGreaterThan(0);
  });

  it.each([
    ['1 != a.two && a.yes', true],
    ['a.yes ? a.two : a.two * 2', 2],
    ['!a.yes ? a.two : a.two * 2', 4],
    ['1 + a.two * 3', 7],
    ['a.two * 3 + 1', 7],
    ['(1 + a.two) * 3', 9],
    ['10 - a.two - 3', 5],
    ['!a.yes || a.two == 2 && a.yes', true],
    ['a.?absent ?? a.two - 1', 1],
    ['a.list[a.two - 1].n', 6],
    ['map(a.list, x => x.n + a.two)', [7, 8]],
    ['filter(a.list, x => !empty(x) && x.n == 6)', [{ n: 6 }]],
  ])('binds an access before an operator, and operators as Bicep does: %s', (expression, value) => {
    const text = `param a object\noutput b object = ${expression}`;
    const given = "using 'main.bicep'\nparam a = { two: 2, yes: true, list: [{ n: 5 }, { n: 6 }] }\n";
    expect(faultsOf(given, { 'main.bicep': text }, 'main.bicepparam')).toEqual([]);
    const workspace = new Workspace(directory, parse);
    expect(planDeployment(workspace, 'main.bicepparam').outputs).toEqual({ b: value });
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
      '1: types.bicep does not export b',
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
    ['a text where a number belongs', thingWith("size: 'small'\n    count: '3'"), 'expected Integer'],
    ['a number out of range', thingWith("size: 'small'\n    count: 11"), 'expected Integer'],
    ['a text that is too long', thingWith("size: 'small'\n    label: 'abcdef'"), 'expected String'],
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
    ['a file that does not exist', "module part 'no.bicep' = { params: {} }", 'there is no file no.bicep'],
    [
      'no parameters where some are required',
      "module part 'part.bicep' = {}",
      'the required property params is missing',
    ],
  ])('%s is found', (_what, source, fault) => {
    expect(faultsOf(source, files)).toEqual([expect.stringContaining(fault)]);
  });
});

describe('the checker', () => {
  it('is less than 800 lines of code (docs/adr/0009-bicep-checker.md)', () => {
    const folder = join(root, 'scripts', 'check-infra');
    // Asking the compiler and fetching type data would be there without it.
    const others = ['compiler.ts', 'type-data.ts'];
    const lines = readdirSync(folder)
      .filter((name) => name.endsWith('.ts') && !others.includes(name))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
      .filter((line) => !/^\s*(\/\/|\/\*\*|\*|$)/.test(line));
    expect(lines.length).toBeLessThan(800);
  });
});
