// Finds or fetches the Bicep CLI, in this order: setting, PATH, .tools, NuGet through the .NET SDK. Unlike
// nats-server it may be missing: then a line says so, and the checks that need it are left out.

import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { capture, throwIfStopped } from './child.mjs';
import { LaunchError } from './launch-error.mjs';
import { withLock } from './lock.mjs';
import { faultOf, programsOnPath } from './program.mjs';

/** An older one does not know every rule of infra/bicep/bicepconfig.json and every API version of the templates. */
export const bicepVersion = '0.49.2';

/** SHA-256 of the program in the package Azure.Bicep.CommandLine.<platform>. @type {Record<string, string>} */
const digests = {
  'linux-x64': '0ab9de90c2493f206f8281bae74f9ee2d5ed3605548dab1adf41fef185e1f7c5',
};

// A package source that cannot be reached is asked several times by NuGet.
const restoreSeconds = 120;

/**
 * @param {string} root
 * @param {(line: string) => void} say
 * @param {'find' | 'fetch'} how whether it is fetched when it is not found
 * @returns {Promise<string | undefined>} path of the program, undefined when there is none
 */
export async function supplyBicep(root, say, how) {
  const set = process.env['BICEP_CLI'];
  if (set) {
    const fault = await faultOf(set, bicepVersion);
    if (fault) throw new LaunchError(`BICEP_CLI: ${fault}`);
    return set;
  }
  for (const candidate of programsOnPath('bicep')) {
    const fault = await faultOf(candidate, bicepVersion);
    if (!fault) return candidate;
    say(`bicep on PATH is passed over: ${fault}`);
  }
  const installed = join(root, '.tools', 'bin', 'bicep');
  if (!(await faultOf(installed, bicepVersion))) return installed;
  if (how === 'find') return undefined;
  return withLock(join(root, '.tools', 'install.lock'), say, async () => {
    if (!(await faultOf(installed, bicepVersion))) return installed;
    say('There is no Bicep CLI yet: fetching it into .tools/ (once) …');
    try {
      await fetchFromNuGet(root, installed);
      const fault = await faultOf(installed, bicepVersion);
      if (fault) throw new Error(fault);
      say(`  Bicep CLI ${bicepVersion} from NuGet: installed in .tools/bin.`);
      return installed;
    } catch (error) {
      throwIfStopped();
      say(`  Bicep CLI ${bicepVersion} from NuGet: ${/** @type {Error} */ (error).message}`);
      say(
        `The Bicep compiler is not asked. Install Bicep ${bicepVersion} or newer on PATH, or name it in BICEP_CLI.`,
      );
      return undefined;
    }
  });
}

/**
 * NuGet's own client, so that it is the user's package source that is asked.
 * @param {string} root
 * @param {string} destination where the program is put
 */
async function fetchFromNuGet(root, destination) {
  const platform = `${process.platform}-${process.arch}`;
  const digest = digests[platform];
  if (!digest) throw new Error(`no package is known for ${platform}`);
  const [dotnet] = programsOnPath('dotnet');
  if (!dotnet) throw new Error('there is no .NET SDK (dotnet) on PATH');
  const name = `Azure.Bicep.CommandLine.${platform}`;
  const work = mkdtempSync(join(root, '.tools', 'bicep-'));
  try {
    writeFileSync(
      join(work, 'bicep.csproj'),
      `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>netstandard2.0</TargetFramework>
    <DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
  </PropertyGroup>
  <ItemGroup>
    <PackageDownload Include="${name}" Version="[${bicepVersion}]" />
  </ItemGroup>
</Project>
`,
    );
    const { code, output } = await capture(dotnet, ['restore', 'bicep.csproj', '--packages', 'packages'], {
      cwd: work,
      timeoutSeconds: restoreSeconds,
      env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' },
    });
    if (code !== 0) throw new Error(/error .*/.exec(output)?.[0] ?? `dotnet restore: ${output.trim()}`);
    const program = join(work, 'packages', name.toLowerCase(), bicepVersion, 'tools', 'bicep');
    const actual = createHash('sha256').update(readFileSync(program)).digest('hex');
    if (actual !== digest) throw new Error(`the digest of ${name} is ${actual}, not ${digest}: refused`);
    chmodSync(program, 0o755);
    mkdirSync(dirname(destination), { recursive: true });
    renameSync(program, destination);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
