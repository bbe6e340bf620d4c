// The Bicep compiler beside our own checker: it finds what that one finds, and its evaluation of whole deployments
// (`bicep snapshot`) says the same as ours about names, refusals and what a second deployment changes.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readAzureTypes } from '../../../scripts/check-infra/azure-types';
import { compile } from '../../../scripts/check-infra/compiler';
import { createParser, readFrom } from '../../../scripts/check-infra/parse';
import { planDeployment } from '../../../scripts/check-infra/policy/evaluate';
import { deploymentEnvironment, profiles } from '../../../scripts/check-infra/policy/policies';
import { Workspace } from '../../../scripts/check-infra/symbols';
import { TypeCheck } from '../../../scripts/check-infra/types';
import { brokenTemplates, companions, soundTemplate } from '../../support/broken-templates';
import { openInfrastructure } from '../../support/infrastructure';

jest.setTimeout(120_000);

const root = resolve(__dirname, '../../..');
const cli = process.env['BICEP_CLI'] ?? '';
const typeData = process.env['BICEP_TYPES_DIR'] ?? '';
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'broker-compiler-'));
  for (const path of ['infra', 'scripts/deploy/fetch-and-run.cjs']) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    cpSync(join(root, path), join(directory, path), { recursive: true });
  }
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

interface Snapshot {
  readonly predictedResources: readonly { readonly type: string; readonly name: string }[];
}

/** What the compiler predicts that a deployment makes, or why it refuses. */
async function predict(
  profile: string,
  environment: Readonly<Record<string, string>>,
  mode: 'overwrite' | 'validate' = 'overwrite',
): Promise<{ readonly snapshot: Snapshot | undefined; readonly output: string }> {
  const path = join(directory, profile);
  const args = ['snapshot', path, '--mode', mode, '--location', 'westeurope'];
  const subscription = ['--subscription-id', '00000000-0000-0000-0000-000000000001'];
  const [code, output] = await new Promise<[boolean, string]>((done) => {
    const env = { ...process.env, ...deploymentEnvironment, ...environment };
    execFile(cli, [...args, ...subscription], { env, encoding: 'utf8' }, (error, stdout, stderr) => {
      done([!error, `${stdout}${stderr}`]);
    });
  });
  const file = path.replace(/\.bicepparam$/, '.snapshot.json');
  return { output, snapshot: code ? (JSON.parse(readFileSync(file, 'utf8')) as Snapshot) : undefined };
}

const countByType = (resources: readonly { readonly type: string }[]) =>
  Object.fromEntries(
    Map.groupBy(resources, ({ type }) => type)
      .entries()
      .map(([type, all]) => [type, all.length]),
  );

const faultsOf = async (templates: string): Promise<(name: string) => readonly string[]> => {
  const workspace = new Workspace(templates, await createParser(root, readFrom(templates)));
  const check = new TypeCheck(workspace, typeData ? readAzureTypes(typeData) : undefined);
  return (name) => {
    const file = workspace.file(name);
    return [...file.faults, ...workspace.checkNames(file), ...check.check(file)].map(({ text }) => text);
  };
};

const fileOf = (index: number) => `broken-${index}.bicep`;
let templates: string;
beforeAll(() => {
  templates = join(directory, 'templates');
  mkdirSync(templates);
  cpSync(join(root, 'infra', 'bicep', 'bicepconfig.json'), join(templates, 'bicepconfig.json'));
  const files = Object.entries({ ...companions, 'sound.bicep': soundTemplate });
  for (const [name, source] of files) writeFileSync(join(templates, name), source);
  for (const [index, { source }] of brokenTemplates.entries())
    writeFileSync(join(templates, fileOf(index)), source);
});

describe('our checker', () => {
  const ours = brokenTemplates.map(({ fault, found, typed }, index) => ({ fault, found, typed, index }));

  it.each(ours.filter(({ found, typed }) => found !== undefined && (!typed || typeData)))(
    'finds $fault',
    async ({ index, found }) => {
      expect((await faultsOf(templates))(fileOf(index))).toEqual([expect.stringContaining(found ?? '')]);
    },
  );

  it('says nothing about what is right, and leaves the rest to the compiler', async () => {
    const faults = await faultsOf(templates);
    const silent = ours.filter(({ found }) => found === undefined).map(({ index }) => fileOf(index));
    expect(['sound.bicep', ...silent].flatMap(faults)).toEqual([]);
  });

  if (!typeData)
    process.stderr.write('not run: the templates with wrong types (BICEP_TYPES_DIR names no data)\n');
});

if (cli) withCompiler();
else if (process.env['BICEP_REQUIRED']) throw new Error('BICEP_REQUIRED is set, but there is no Bicep CLI');
else process.stderr.write('not run: the Bicep compiler (npm run check:infra fetches it)\n');

function withCompiler(): void {
  describe('the compiler', () => {
    it('finds every fault, and nothing in what is right', async () => {
      const count = brokenTemplates.length + Object.keys(companions).length + 1;
      const complaints = await compile(cli, templates, count);
      const faulty = new Set(complaints.map((line) => /([\w-]+\.bicep)\(/.exec(line)?.[1]));
      expect([...faulty].sort()).toEqual(brokenTemplates.map((_, index) => fileOf(index)).sort());
    });
  });

  describe('a deployment', () => {
    it.each(profiles)('of %s makes what our policies look at', async (profile) => {
      const { snapshot } = await predict(profile, {});
      const ours = planDeployment(await openInfrastructure(), profile, {
        environment: deploymentEnvironment,
      });
      expect(countByType(snapshot?.predictedResources ?? [])).toEqual(countByType(ours.resources));
    });

    it('changes nothing when it is repeated, with names from an awkward prefix', async () => {
      const [profile] = profiles;
      const environment = { BROKER_PREFIX: 'Ä-b_!x.Y z9&' };
      const { snapshot } = await predict(profile, environment);
      const names = new Map(snapshot?.predictedResources.map(({ type, name }) => [type, name]));
      expect(names.get('Microsoft.Resources/resourceGroups')).toMatch(/^rg-bxyz9[a-z0-9]{13}$/);
      expect(names.get('Microsoft.Storage/storageAccounts')).toMatch(/^st[hp]bxyz9[a-z0-9]{13}$/);
      expect(names.get('Microsoft.KeyVault/vaults')).toMatch(/^kv[bn]-bxyz9[a-z0-9]{13}$/);
      // The second asks for other names: it would be said if there were a change.
      const [again, other] = await Promise.all(
        [environment, {}].map((same) => predict(profile, same, 'validate')),
      );
      expect(again).toMatchObject({ output: '', snapshot });
      expect(other?.snapshot).toBeUndefined();
    });

    it('is refused with every sentence that its parameters deserve', async () => {
      const [profile] = profiles;
      const broken = profile.replace('.dev', '.broken');
      const text = readFileSync(join(directory, profile), 'utf8')
        .replace('alwaysReadyInstances: 0', 'alwaysReadyInstances: 41')
        .replace('autoPauseMinutes: 60', 'autoPauseMinutes: 5')
        .replace("syncInterval: 'always'", "syncInterval: '2m'")
        .replace('10.40.0.0/16', '10.40.0.0/24')
        .replace('ROLES_FILE', 'NATS_SERVERS');
      writeFileSync(join(directory, broken), text);
      const { output, snapshot } = await predict(broken, { BROKER_SSH_PUBLIC_KEY: '' });
      expect(snapshot).toBeUndefined();
      for (const word of [
        'functions.alwaysReadyInstances',
        'sql.autoPauseMinutes',
        'nats.syncInterval',
        'network.addressPrefix',
        'nats.adminPublicKey',
        'settings holds a name',
      ]) {
        expect(output).toContain(word);
      }
    });
  });
}
