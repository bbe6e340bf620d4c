// npm run check:infra: everything about infra/bicep that can be checked without Azure. The Bicep compiler is asked
// where the launcher found or fetched one (BICEP_CLI); names, types and policies are checked everywhere.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readAzureTypes } from './azure-types';
import { compile } from './compiler';
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
  const compiler = process.env['BICEP_CLI'];
  const complaints = compiler ? await compile(compiler, join(root, folder), paths.length) : [];
  for (const complaint of complaints) console.error(complaint);
  console.log(
    `infrastructure: ${paths.length} files, ${faults.length} faults, ${violations.length} policies broken, ` +
      `types ${azure ? 'checked' : 'not checked'}, ` +
      (compiler ? `${complaints.length} complaints of the compiler` : 'the compiler was not asked'),
  );
  const missing =
    (!azure && process.env['CI'] !== undefined) || (!compiler && process.env['BICEP_REQUIRED'] !== undefined);
  return faults.length || violations.length || complaints.length || missing ? 1 : 0;
}

if (!existsSync(folder)) throw new Error(`there is no ${folder} here`);
checkInfrastructure(process.cwd())
  .then((code) => (process.exitCode = code))
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
