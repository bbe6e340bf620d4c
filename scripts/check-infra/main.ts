// npm run check:infra: everything about infra/bicep that can be checked here. The Bicep compiler is asked where
// there is one; names, types and policies are checked everywhere.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readAzureTypes } from './azure-types';
import { createParser } from './parse';
import { checkPolicies } from './policy/policies';
import { Workspace } from './symbols';
import type { Fault } from './syntax';
import { TypeCheck } from './types';

const folder = join('infra', 'bicep');

async function checkInfrastructure(root: string): Promise<number> {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.bicep(param)?$/.test(name))
    .map((name) => join(folder, name))
    .sort();
  const workspace = new Workspace(root, await createParser(root));
  const directory = process.env['BICEP_TYPES_DIR'];
  const azure = directory ? readAzureTypes(directory) : undefined;
  if (!azure) {
    console.log('types not checked: BICEP_TYPES_DIR is not set (npm run bicep-types fetches the data)');
  }
  const types = new TypeCheck(workspace, azure);
  const faults: Fault[] = paths.flatMap((path) => {
    const file = workspace.file(path);
    return file.faults.length ? [...file.faults] : [...workspace.checkNames(file), ...types.check(file)];
  });
  for (const { at, text } of faults) console.error(`${at.file}:${at.line}:${at.column}: ${text}`);
  const violations = faults.length ? [] : checkPolicies(workspace);
  for (const violation of violations) console.error(violation);
  const compiler = compile(root, paths);
  console.log(
    `infrastructure: ${paths.length} files, ${faults.length} faults, ${violations.length} policies broken, ` +
      `types ${azure ? 'checked' : 'not checked'}, compiler ${compiler}`,
  );
  const untyped = !azure && process.env['CI'] !== undefined;
  return faults.length || violations.length || compiler === 'failed' || untyped ? 1 : 0;
}

/** Builds and lints with the Bicep CLI: BICEP_CLI names it, else it is looked for on PATH. Warnings count. */
function compile(root: string, paths: readonly string[]): 'passed' | 'failed' | 'not present' {
  const cli = process.env['BICEP_CLI'] ?? 'bicep';
  if (spawnSync(cli, ['--version']).status !== 0) {
    if (process.env['BICEP_REQUIRED']) console.error(`BICEP_REQUIRED is set, but ${cli} does not run`);
    return process.env['BICEP_REQUIRED'] ? 'failed' : 'not present';
  }
  const runs = paths.flatMap((path) =>
    path.endsWith('.bicepparam')
      ? [['build-params', path, '--stdout']]
      : [
          ['build', path, '--stdout'],
          ['lint', path],
        ],
  );
  const failed = runs.filter((args) => {
    const { status, stderr } = spawnSync(cli, args, {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const complaints = /\b(Warning|Error)\b/.test(stderr);
    if (complaints || status !== 0) console.error(stderr.trim());
    return complaints || status !== 0;
  });
  return failed.length ? 'failed' : 'passed';
}

if (!existsSync(folder)) throw new Error(`there is no ${folder} here`);
checkInfrastructure(process.cwd())
  .then((code) => (process.exitCode = code))
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
