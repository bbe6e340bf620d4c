// npm run deploy: what follows the infrastructure (docs/deploy.md): artefacts and keys, database, code, smoke test. Uses
// `az`, signed in as the deployer; safe to repeat.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageApp } from './package-app';
import { smokeTest } from './smoke-test';
import {
  deployCodeArguments,
  type DeploymentOutputs,
  type JobTemplate,
  jobStateArguments,
  outputNames,
  readOutputs,
  startJobArguments,
  type StepName,
  stepNames,
  uploadArguments,
  withRotation,
} from './steps';

const root = process.cwd();
const jobPatienceMs = 2_400_000;
const jobPauseMs = 5_000;
const say = (line: string) => {
  console.log(line);
};

/** @returns what it printed @throws Error with what it complained of */
function run(command: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) throw new Error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 4).join(' ')} failed: ${stderr.trim()}`);
  return stdout.trim();
}

const az = (args: readonly string[]) => run('az', args);

/** From a deployment at the level of the subscription, else from the environment, where azd puts them. */
function outputsOf(deployment: string | undefined): DeploymentOutputs {
  if (deployment === undefined) return readOutputs(process.env);
  const query = ['deployment', 'sub', 'show', '--name', deployment, '--query', 'properties.outputs'];
  const given = JSON.parse(az([...query, '--output', 'json'])) as Record<string, { value: string }>;
  // The resource manager may change the case of names.
  const values = Object.entries(given).map(([name, { value }]) => [name.toUpperCase(), value] as const);
  return readOutputs(Object.fromEntries(values));
}

async function artefacts(outputs: DeploymentOutputs): Promise<void> {
  const name = `nats-server-v${outputs.BROKER_NATS_VERSION}-linux-amd64.tar.gz`;
  const file = join(root, '.tools', name);
  if (!existsSync(file)) {
    const url = `https://github.com/nats-io/nats-server/releases/download/v${outputs.BROKER_NATS_VERSION}/${name}`;
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    mkdirSync(join(root, '.tools'), { recursive: true });
    writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  }
  // The nodes compare it with the digest in their userData and refuse another.
  say(`  ${name}, sha256 ${createHash('sha256').update(readFileSync(file)).digest('hex')}`);
  az(uploadArguments(outputs, file, name));
  az(uploadArguments(outputs, join(root, 'dist', 'deploy', 'jobs.cjs'), 'jobs.cjs'));
}

/** @param rotate names of keys, comma-separated, for this execution of the job only */
function startJob(outputs: DeploymentOutputs, name: string, rotate?: string): string {
  const start = startJobArguments(outputs, name);
  if (rotate === undefined) return az(start);
  const show = [
    'containerapp',
    'job',
    'show',
    '--resource-group',
    outputs.AZURE_RESOURCE_GROUP,
    '--name',
    name,
  ];
  const template = az([...show, '--query', 'properties.template', '--output', 'json']);
  // az takes YAML here, which JSON is.
  const file = join(root, 'dist', 'rotate.json');
  writeFileSync(file, JSON.stringify(withRotation(JSON.parse(template) as JobTemplate, rotate)));
  return az([...start, '--yaml', file]);
}

async function job(outputs: DeploymentOutputs, name: string, rotate?: string): Promise<void> {
  const execution = startJob(outputs, name, rotate);
  const deadline = Date.now() + jobPatienceMs;
  for (;;) {
    const state = az(jobStateArguments(outputs, name, execution));
    if (state === 'Succeeded') return;
    if (!['Running', 'Processing', 'Unknown', ''].includes(state)) {
      throw new Error(`${execution} ended with ${state}: az containerapp job logs show --name ${name} …`);
    }
    if (Date.now() > deadline) throw new Error(`${execution} still runs`);
    await new Promise((resolve) => setTimeout(resolve, jobPauseMs));
  }
}

function code(outputs: DeploymentOutputs): void {
  const directory = packageApp(root);
  const file = join(root, 'dist', 'package.zip');
  run('zip', ['--quiet', '--recurse-paths', '--filesync', file, '.'], directory);
  az(deployCodeArguments(outputs, file));
}

type Step = (outputs: DeploymentOutputs, rotate?: string) => Promise<void> | void;

const steps: Readonly<Record<StepName, Step>> = {
  artefacts,
  keys: (outputs, rotate) => job(outputs, outputs.BROKER_SETUP_JOB, rotate),
  database: (outputs) => job(outputs, outputs.BROKER_DATABASE_JOB),
  code,
  smoke: (outputs) =>
    smokeTest(outputs.BROKER_URL, (line) => {
      say(`  ${line}`);
    }),
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      deployment: { type: 'string' },
      rotate: { type: 'string' },
      package: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.package) {
    say(packageApp(root));
    return;
  }
  const unknown = positionals.filter((name) => !stepNames.includes(name as StepName));
  if (unknown.length) throw new Error(`steps are ${stepNames.join(', ')}; not ${unknown.join(', ')}`);
  const outputs = outputsOf(values.deployment);
  say(outputNames.map((name) => `${name}=${outputs[name]}`).join('\n'));
  for (const name of stepNames.filter((step) => !positionals.length || positionals.includes(step))) {
    say(name);
    await steps[name](outputs, values.rotate);
  }
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
