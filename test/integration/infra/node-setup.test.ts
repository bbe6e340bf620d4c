// From an empty vault to a node that could start: the job makes keys and certificates, and a node prepares itself from
// what Bicep put into its customData and userData. Only Azure's endpoints are stood in for.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Plan, planDeployment } from '../../../scripts/check-infra/policy/evaluate';
import { deploymentEnvironment } from '../../../scripts/check-infra/policy/policies';
import { resourcesOf, valueAt } from '../../../scripts/check-infra/policy/policy';
import { type FakeAzure, startFakeAzure } from '../../support/fake-azure';
import { openInfrastructure } from '../../support/infrastructure';
import { fillTemplate, natsServerBinary } from '../../support/nats-cluster';

// Programs are started and an archive of 20 MB is made: on a busy machine that takes a while.
jest.setTimeout(90_000);

const run = promisify(execFile);
const root = resolve(__dirname, '../../..');
const jobs = join(root, 'dist', 'deploy', 'jobs.cjs');

let azure: FakeAzure;
let plan: Plan;
let directory: string;

beforeAll(async () => {
  azure = await startFakeAzure();
  directory = await mkdtemp(join(tmpdir(), 'broker-node-'));
  plan = planDeployment(await openInfrastructure(), 'infra/bicep/main.prod.bicepparam', {
    environment: deploymentEnvironment,
  });
});
afterAll(async () => {
  await azure.stop();
  await rm(directory, { recursive: true, force: true });
});

const runKeysJob = (more: Readonly<Record<string, string>> = {}) =>
  run(process.execPath, [jobs], {
    env: {
      PATH: process.env['PATH'],
      JOB: 'keys',
      AZURE_CLIENT_ID: 'setup',
      IDENTITY_ENDPOINT: `${azure.url}/identity`,
      IDENTITY_HEADER: 'secret-header',
      BROKER_VAULT_URI: `${azure.url}/vaults/broker/`,
      NATS_VAULT_URI: `${azure.url}/vaults/nats/`,
      NATS_NODES: '3',
      NATS_ZONE: 'nats.internal',
      ...more,
    },
  });

describe('the job that makes keys', () => {
  it('fills the vaults, prints no value, and writes nothing the second time', async () => {
    const { stdout, stderr } = await runKeysJob();
    expect(azure.secrets.size).toBe(12);
    for (const value of azure.secrets.values()) {
      expect(stdout + stderr).not.toContain(value.slice(0, 40));
    }
    const before = new Map(azure.secrets);
    expect((await runKeysJob()).stdout).toContain('nothing written');
    expect(azure.secrets).toEqual(before);
  });

  it('rotates what it is asked to, and refuses what it does not know', async () => {
    const before = azure.secrets.get('broker/message-id-key') ?? '';
    await runKeysJob({ ROTATE: 'message-id-key' });
    expect(azure.secrets.get('broker/message-id-key')).toMatch(new RegExp(`,${before}$`));
    await expect(runKeysJob({ ROTATE: 'everything' })).rejects.toMatchObject({ code: 1 });
  });

  it('is fetched from the container of artefacts by the program that Bicep gives the jobs', async () => {
    const jobsOf = resourcesOf(plan, 'App/jobs');
    const containers = jobsOf.flatMap(
      (job) => valueAt(job, 'properties.template.containers') as never as { command: string[] }[],
    );
    const [command = '', ...args] = containers[0]?.command ?? [];
    expect(command).toBe('node');
    azure.blobs.set('jobs.cjs', Buffer.from("console.log('fetched and run as', process.env.JOB)"));
    const { stdout } = await run(process.execPath, args, {
      env: {
        JOB: 'keys',
        AZURE_CLIENT_ID: 'setup',
        IDENTITY_ENDPOINT: `${azure.url}/identity`,
        IDENTITY_HEADER: 'secret-header',
        ARTEFACTS_URL: `${azure.url}/artefacts`,
      },
    });
    expect(stdout).toContain('fetched and run as keys');
  });
});

interface CloudConfig {
  readonly write_files: readonly { path: string; permissions: string; content: string }[];
  readonly runcmd: readonly (readonly string[])[];
}
interface UserData {
  readonly node: string;
  readonly files: Readonly<Record<string, string>>;
}

const decode = (value: unknown) => Buffer.from(String(value), 'base64').toString();
const nodes = () => resourcesOf(plan, 'Compute/virtualMachines');
const customDataOf = (index: number) => {
  const node = nodes()[index];
  const text = decode(node && valueAt(node, 'properties.osProfile.customData'));
  expect(text.split('\n')[0]).toBe('#cloud-config');
  return JSON.parse(text.slice(text.indexOf('\n'))) as CloudConfig;
};
const userDataOf = (index: number) => {
  const node = nodes()[index];
  return JSON.parse(decode(node && valueAt(node, 'properties.userData'))) as UserData;
};

describe('what Bicep gives a node', () => {
  it('fills in the templates as the tests do for their cluster', async () => {
    const template = await readFile(join(root, 'infra/nats/nats-node.conf.tmpl'), 'utf8');
    for (const index of [0, 1, 2]) {
      expect(userDataOf(index).files['node.conf']).toBe(
        fillTemplate(template, {
          nodeName: `nats-${index}`,
          directory: '/etc/nats',
          storeDirectory: '/var/lib/nats',
          clientListen: '0.0.0.0:4222',
          monitorListen: '127.0.0.1:8222',
          syncInterval: 'always',
          maxFileStore: '230GB',
        }),
      );
      expect(userDataOf(index).files['cluster.conf']).not.toContain('{{');
      expect(userDataOf(index).files['cluster.conf']?.match(/tls:\/\/nats-\d\./g)).toHaveLength(3);
    }
  });

  it('writes its files and starts its service at the first start', () => {
    const { write_files: files, runcmd } = customDataOf(0);
    expect(files.map(({ path }) => path)).toEqual([
      '/opt/ddhub/prepare-node.py',
      '/etc/systemd/system/nats.service',
    ]);
    expect(decode(files[1]?.content)).toContain('ExecStartPre=+/opt/ddhub/prepare-node.py');
    expect(runcmd.at(-1)).toEqual(['systemctl', 'start', '--no-block', 'nats.service']);
  });

  it('fits into what Azure takes as customData and userData', () => {
    for (const node of nodes()) {
      expect(Buffer.from(decode(valueAt(node, 'properties.osProfile.customData'))).byteLength).toBeLessThan(
        65_535,
      );
      expect(Buffer.from(decode(valueAt(node, 'properties.userData'))).byteLength).toBeLessThan(65_536);
    }
  });
});

if (spawnSync('python3', ['--version']).status === 0) describe('a node', aNode);
else process.stderr.write('not run: the preparation of a node (there is no python3)\n');

function aNode(): void {
  const home = () => join(directory, 'node');
  const script = () => join(home(), 'opt/ddhub/prepare-node.py');
  const prepare = () => run('python3', [script(), '--root', home(), '--metadata', azure.url]);

  beforeAll(async () => {
    const file = customDataOf(0).write_files[0];
    await mkdir(dirname(script()), { recursive: true });
    await writeFile(script(), decode(file?.content));
    await chmod(script(), 0o755);
    const archive = await archiveOf('2.15.0');
    azure.blobs.set('nats-server-v2.15.0-linux-amd64.tar.gz', archive);
    azure.userData = JSON.stringify({
      ...userDataOf(0),
      vaultUri: `${azure.url}/vaults/nats/`,
      artefactsUrl: `${azure.url}/artefacts`,
      sha256: createHash('sha256').update(archive).digest('hex'),
      files: Object.fromEntries(
        Object.entries(userDataOf(0).files).map(([name, text]) => [
          name,
          text
            .replaceAll('/etc/nats', join(home(), 'etc/nats'))
            .replaceAll('/var/lib/nats', join(home(), 'data')),
        ]),
      ),
    });
  });

  /** An archive like the official one, around the server that the tests use. */
  async function archiveOf(version: string): Promise<Buffer> {
    const name = `nats-server-v${version}-linux-amd64`;
    await mkdir(join(directory, name));
    await cp(natsServerBinary(), join(directory, name, 'nats-server'), { dereference: true });
    execFileSync('tar', ['--use-compress-program=gzip -1', '-cf', 'archive.tar.gz', name], {
      cwd: directory,
    });
    return readFile(join(directory, 'archive.tar.gz'));
  }

  it('waits: it fails while its certificates are missing', async () => {
    const kept = azure.secrets.get('nats/nats-0-key') ?? '';
    azure.secrets.delete('nats/nats-0-key');
    await expect(prepare()).rejects.toMatchObject({ code: 1 });
    azure.secrets.set('nats/nats-0-key', kept);
  });

  it('fetches program, certificates and configuration, which nats-server accepts', async () => {
    const { stderr } = await prepare();
    expect(stderr).toContain('is valid');
    const keys = await readFile(join(home(), 'etc/nats/keys.env'), 'utf8');
    expect(keys).toBe(`DDHUB_BROKER_NKEY=${azure.secrets.get('nats/nats-broker-nkey') ?? ''}\n`);
  });

  it('starts with what it has when the vault cannot be reached', async () => {
    const secrets = new Map(azure.secrets);
    azure.secrets.clear();
    const { stderr } = await prepare();
    expect(stderr).toContain('started with what is there');
    for (const [name, value] of secrets) azure.secrets.set(name, value);
  });

  it('refuses an archive with another digest', async () => {
    const before = azure.userData;
    azure.userData = JSON.stringify({
      ...(JSON.parse(before) as object),
      version: '2.15.1',
      sha256: 'f'.repeat(64),
    });
    azure.blobs.set('nats-server-v2.15.1-linux-amd64.tar.gz', Buffer.from('something else'));
    await expect(prepare()).rejects.toMatchObject({ stderr: expect.stringContaining('refused') as unknown });
    azure.userData = before;
  });
}
