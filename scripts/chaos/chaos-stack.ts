// What chaos strikes: two broker instances on one message store, a server or the cluster of a deployment, and Azurite
// behind a proxy. It outlives a run, so that many seeds share it; each run has participants and topics of its own.

import { join } from 'node:path';
import { azuriteConnectionString, startAzurite } from '../stack/azurite';
import { startNatsCluster } from '../stack/nats-cluster';
import { startNatsServer } from '../stack/nats-server';
import { startTcpProxy, type TcpProxy } from '../stack/tcp-proxy';
import { startTemporaryStack } from '../stack/temporary-stack';
import { type Instance, startInstance } from './instance';
import type { StoreKind } from './plan';

/** What can be done to a node of the message store. */
export interface StruckNode {
  readonly name: string;
  readonly url: string;
  readonly kill: () => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly freeze: () => Promise<void>;
  readonly continue: () => Promise<void>;
  /** Of a cluster's node alone. */
  readonly isolate: () => void;
  readonly rejoin: () => void;
}

export interface ChaosStack {
  readonly store: StoreKind;
  readonly nodes: readonly StruckNode[];
  /** Index of the node that leads the stream of a shard; 0 when nobody knows. */
  readonly leaderOf: (shard: number) => Promise<number>;
  /** Settles when every node is whole. */
  readonly ready: () => Promise<void>;
  readonly instances: readonly [Instance, Instance];
  readonly blob: TcpProxy;
  /** Errors that the instances have logged. */
  readonly errorLines: readonly string[];
  readonly stop: () => Promise<void>;
}

export const shardCount = 2;
/** Every message with a life of its own is of this class. */
export const shortClassSeconds = 2;

interface StartedStore {
  readonly nodes: readonly StruckNode[];
  readonly settings: Readonly<Record<string, string>>;
  readonly leaderOf: ChaosStack['leaderOf'];
  readonly ready: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** @param root directory of the built repository */
export function startChaosStack(store: StoreKind, root = process.cwd()): Promise<ChaosStack> {
  return startTemporaryStack('chaos', async ({ directory, keep, brokerSettings, stop }) => {
    const starting = store === 'server' ? startServer(directory, root) : startCluster(root);
    const [{ nodes, leaderOf, ready, settings: ofStore }, azurite] = await Promise.all([
      keep(starting, (started) => started.stop()),
      keep(startAzurite({ port: 0, root, location: join(directory, 'blob') }), (one) => one.stop()),
    ]);
    const blob = await keep(
      startTcpProxy(() => azurite.port),
      (proxy) => proxy.close(),
    );
    const settings = await brokerSettings({
      ...ofStore,
      BLOB_CONNECTION_STRING: azuriteConnectionString(blob.port),
      ROLES_FILE: join(root, 'scripts', 'roles.sample.json'),
      SHARD_COUNT: String(shardCount),
      RETENTION_CLASSES: `${shortClassSeconds}s,1h`,
      DEFAULT_RETENTION_CLASS: '1h',
      ACCESS_TOKEN_SECONDS: '86400',
      LOG_LEVEL: 'warn',
    });
    const errorLines: string[] = [];
    const startOne = (): Promise<Instance> => {
      const instance = startInstance({
        ...{ root, settings, nodes: nodes.map(({ url }) => url) },
        onLine: (line) => {
          if (line.includes('"level":"error"')) errorLines.push(line);
        },
      });
      return keep(instance, (one) => one.stop());
    };
    const instances = [await startOne(), await startOne()] as const;
    return { store, nodes, leaderOf, ready, instances, blob, errorLines, stop };
  });
}

const nothing = (): void => undefined;

async function startServer(directory: string, root: string): Promise<StartedStore> {
  const server = await startNatsServer({ port: 0, root, storeDir: join(directory, 'nats') });
  return {
    nodes: [
      {
        name: 'nats-0',
        url: server.url,
        kill: () => server.kill('SIGKILL'),
        restart: server.restart,
        freeze: () => server.kill('SIGSTOP'),
        continue: () => server.kill('SIGCONT'),
        isolate: nothing,
        rejoin: nothing,
      },
    ],
    settings: {},
    leaderOf: () => Promise.resolve(0),
    ready: () => Promise.resolve(),
    stop: async () => {
      await server.kill('SIGCONT');
      await server.stop();
    },
  };
}

async function startCluster(root: string): Promise<StartedStore> {
  const cluster = await startNatsCluster({ root, canIsolate: true });
  return {
    nodes: cluster.nodes,
    settings: { NATS_CREDENTIALS: cluster.brokerSeed, NATS_CA_PEM: cluster.ca, STREAM_REPLICAS: '3' },
    leaderOf: async (shard) => {
      const leader = await cluster.leaderOf(`DDHUB_MAIL_${shard}`);
      return Math.max(
        0,
        cluster.nodes.findIndex(({ name }) => name === leader),
      );
    },
    ready: cluster.ready,
    stop: cluster.stop,
  };
}
