// New certificates for a cluster that is in use: the steps of docs/operations.md, with the secrets that the job makes
// and nodes that restart one after the other.

import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nextSecrets, type Rotation } from '../../../scripts/deploy/keys';
import { JetStream } from '../../../shared/adapters/nats/jetstream';
import { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import { type NatsCluster, startNatsCluster } from '../../support/nats-cluster';

// Nine restarts, each of which waits for the cluster.
jest.setTimeout(240_000);

/** The one name that a deployment's certificate holds. */
const host = 'localhost';
const log = () => undefined;
let cluster: NatsCluster;
type NatsNode = NatsCluster['nodes'][number];
const held = new Map<string, string>();

const fileOf = ({ configFile }: NatsNode, name: string) => join(dirname(configFile), name);

beforeAll(async () => {
  cluster = await startNatsCluster();
  for (const node of cluster.nodes) {
    const routes = await readFile(fileOf(node, 'cluster.conf'), 'utf8');
    await writeFile(fileOf(node, 'cluster.conf'), routes.replaceAll('tls://127.0.0.1:', `tls://${host}:`));
  }
  held.set('nats/nats-ca', cluster.ca).set('broker/nats-ca', cluster.ca);
  for (const node of cluster.nodes) {
    held.set(`nats/${node.name}-certificate`, await readFile(fileOf(node, 'node.crt'), 'utf8'));
    held.set(`nats/${node.name}-key`, await readFile(fileOf(node, 'node.key'), 'utf8'));
  }
});
afterAll(() => cluster.stop());

/** One run of the job. */
async function rotate(name: Rotation): Promise<void> {
  const secrets = await nextSecrets({
    current: (vault, secret) => held.get(`${vault}/${secret}`),
    rotate: new Set([name]),
    hosts: cluster.nodes.map(() => host),
    now: new Date(),
  });
  for (const secret of secrets) held.set(`${secret.vault}/${secret.name}`, secret.value);
}

/** As prepare-node.py does before each start. */
async function prepare(node: NatsNode): Promise<void> {
  await writeFile(fileOf(node, 'ca.crt'), held.get('nats/nats-ca') ?? '');
  await writeFile(fileOf(node, 'node.crt'), held.get(`nats/${node.name}-certificate`) ?? '');
  await writeFile(fileOf(node, 'node.key'), held.get(`nats/${node.name}-key`) ?? '');
}

/** As a broker writes that reaches this node alone. */
async function writeThrough({ url }: NatsNode, caPem: string, value: string): Promise<void> {
  const jetStream = new JetStream({
    servers: [url.replace('127.0.0.1', host)],
    credentials: cluster.brokerSeed,
    caPem,
    log,
  });
  const layout = new StoreLayout(jetStream, {
    shardCount: 1,
    replicas: 3,
    duplicateWindowSeconds: 120,
    retentionClasses: ['1h'],
    log,
  });
  try {
    await layout.bucket('participants').put('renewal', Buffer.from(value));
  } finally {
    await jetStream.close();
  }
}

async function restartInTurn(caPemOfBroker: string): Promise<void> {
  for (const node of cluster.nodes) {
    await prepare(node);
    await node.restart();
    await cluster.ready();
    for (const reached of cluster.nodes) await writeThrough(reached, caPemOfBroker, node.name);
  }
}

it('regression: certificates are renewed node by node while the broker works on each of them', async () => {
  const before = held.get('broker/nats-ca') ?? '';
  await rotate('nats-certificates');
  const both = held.get('broker/nats-ca') ?? '';
  await restartInTurn(both);
  await rotate('nats-certificates-switch');
  await restartInTurn(both);
  await rotate('nats-certificates-drop-old');
  await restartInTurn(held.get('broker/nats-ca') ?? '');
  const [node] = cluster.nodes;
  if (!node) throw new Error('there is no node');
  await expect(writeThrough(node, before, 'old')).rejects.toMatchObject({
    code: 'message-store-unavailable',
  });
});
