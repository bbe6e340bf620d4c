// Where the launcher looks for the Bicep CLI, and what it makes of one that is of no use.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bicepVersion, supplyBicep } from '../../../scripts/launcher/bicep.mjs';

const { BICEP_CLI: cli, PATH: path } = process.env;
let root: string;
let said: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'broker-bicep-cli-'));
  said = [];
  delete process.env['BICEP_CLI'];
  // The programs below need a shell, and nothing here may find a real compiler.
  process.env['PATH'] = join(root, 'path');
});
afterEach(() => {
  if (cli !== undefined) process.env['BICEP_CLI'] = cli;
  process.env['PATH'] = path;
  rmSync(root, { recursive: true, force: true });
});

/** A program that says it is this version of Bicep. */
function place(file: string, version: string): string {
  const program = join(root, file);
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, `#!/bin/sh\necho 'Bicep CLI version ${version} (0123456789)'\n`);
  chmodSync(program, 0o755);
  return program;
}
const find = () => supplyBicep(root, (line) => said.push(line), 'find');

describe('the Bicep CLI', () => {
  it('is what BICEP_CLI names, and nothing else then', async () => {
    place('path/bicep', bicepVersion);
    const named = place('named', '99.0.0');
    process.env['BICEP_CLI'] = named;
    expect(await find()).toBe(named);
    process.env['BICEP_CLI'] = place('old', '0.30.3');
    await expect(find()).rejects.toThrow(`older than ${bicepVersion}`);
    process.env['BICEP_CLI'] = join(root, 'absent');
    await expect(find()).rejects.toThrow('there is no file');
  });

  it('is that on PATH, unless it is too old; then the one in .tools', async () => {
    const onPath = place('path/bicep', '0.30.3');
    const installed = place('.tools/bin/bicep', bicepVersion);
    expect(await find()).toBe(installed);
    expect(said).toEqual([expect.stringContaining('passed over')]);
    place('path/bicep', bicepVersion);
    expect(await find()).toBe(onPath);
  });

  it('may be missing: tests only look, and without a .NET SDK a line says what to install', async () => {
    expect(await find()).toBeUndefined();
    expect(await supplyBicep(root, (line) => said.push(line), 'fetch')).toBeUndefined();
    expect(said.at(-1)).toContain(`Install Bicep ${bicepVersion}`);
  });
});
