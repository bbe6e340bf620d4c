// A real NATS cluster for tests and chaos runs, from the templates that a deployment uses (infra/nats): TLS to clients
// and among the nodes, one nkey user with the permissions of the broker. On 127.0.0.1, in a temporary directory, on
// ports chosen by the system; gone after stop() and also when the process that started it is killed.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createNatsCertificates } from '../deploy/nats-certificates';
import { createNkeyUser } from '../deploy/nkey';
import { type GuardedProcess, spawnGuarded } from './guarded-process';
import { natsServerBinary } from './nats-server';
import { startTcpProxy, type TcpProxy } from './tcp-proxy';
import { startTemporaryStack, type TemporaryStack } from './temporary-stack';

export interface NatsClusterOptions {
  /** Default 3; 1 is a server without a cluster. */
  readonly nodes?: number;
  /** `sync_interval` of JetStream, default `2m`: `always` makes tests slow. */
  readonly syncInterval?: string;
  /** Proxies between the nodes, for isolate(). Clients are then told of no other node than those they know. */
  readonly canIsolate?: boolean;
  /** Directory of the repository; default: the working directory. */
  readonly root?: string;
}

export interface NatsNode {
  readonly name: string;
  /** `tls://127.0.0.1:port`. */
  readonly url: string;
  /** Process id, another one after `restart`. */
  readonly pid: number;
  /** Address of its monitoring endpoints. */
  readonly monitorUrl: string;
  /** The rendered configuration. */
  readonly configFile: string;
  /** The last lines of its log. */
  readonly tail: () => string;
  /** SIGKILL; settles when it is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM; settles when it is gone. */
  readonly stop: () => Promise<void>;
  /** SIGSTOP: it holds its connections and answers nothing. */
  readonly freeze: () => Promise<void>;
  readonly continue: () => Promise<void>;
  /** Nothing passes between it and the other nodes; its clients still reach it. */
  readonly isolate: () => void;
  readonly rejoin: () => void;
  /** Starts it again on the same ports and store, after stopping it if it still runs; does not wait for the cluster. */
  readonly restart: () => Promise<void>;
}

export interface NatsCluster {
  /** For NATS_SERVERS, one for each node. */
  readonly servers: readonly string[];
  /** For NATS_CA_PEM. */
  readonly ca: string;
  /** For NATS_CREDENTIALS. */
  readonly brokerSeed: string;
  readonly nodes: readonly NatsNode[];
  /** Environment variables for nats-server, such as `nats-server -t`. */
  readonly environment: NodeJS.ProcessEnv;
  /** Settles when every node is in the cluster, up to date, and knows JetStream's leader. */
  readonly ready: () => Promise<void>;
  /** Name of the node that leads a stream now; undefined when the node that is asked knows of none. */
  readonly leaderOf: (stream: string) => Promise<string | undefined>;
  readonly stop: () => Promise<void>;
}

const readyMilliseconds = 60_000;
const pollMilliseconds = 50;
/** Of one question to a node's monitoring. */
const askMilliseconds = 2_000;

/** Fills in a template of infra/nats, as infra/bicep/modules/nats.bicep does. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{{${name}}}`, value),
    template,
  );
}

/** @throws Error with the last log lines of the nodes when there is no cluster within a minute */
export function startNatsCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  return startTemporaryStack('cluster', (stack) => buildCluster(options, stack));
}

async function buildCluster(
  options: NatsClusterOptions,
  { directory, keep, stop }: TemporaryStack,
): Promise<NatsCluster> {
  const { nodes: count = 3, canIsolate = false, root = process.cwd() } = options;
  const user = createNkeyUser();
  const indexes = Array.from({ length: count }, (_, index) => index);
  const { ca, nodes: certificates } = await createNatsCertificates(
    indexes.map((index) => [`nats-${index}.test.internal`, '127.0.0.1', 'localhost']),
    new Date(),
  );
  const ports = await freePorts(count * 3);
  const portsOf = (index: number) => ({
    client: ports[index * 3] ?? 0,
    cluster: ports[index * 3 + 1] ?? 0,
    monitor: ports[index * 3 + 2] ?? 0,
  });
  const environment = { ...process.env, DDHUB_BROKER_NKEY: user.publicKey };
  const texts = await readTemplates(root);
  const routes = canIsolate ? await startRoutes(indexes, (index) => portsOf(index).cluster, keep) : [];
  const routePort = (from: number, to: number): number =>
    routes.find((route) => route.from === from && route.to === to)?.proxy.port ?? portsOf(to).cluster;

  const configure = async (index: number): Promise<string> => {
    const home = join(directory, `nats-${index}`);
    await mkdir(home);
    const { client, cluster, monitor } = portsOf(index);
    const values = {
      nodeName: `nats-${index}`,
      directory: home,
      storeDirectory: join(home, 'store'),
      clientListen: `127.0.0.1:${client}`,
      clusterListen: `127.0.0.1:${cluster}`,
      monitorListen: `127.0.0.1:${monitor}`,
      syncInterval: options.syncInterval ?? '2m',
      maxFileStore: '2GB',
      routes: indexes.map((other) => `tls://127.0.0.1:${routePort(index, other)}`).join(', '),
    };
    const clusterText = fillTemplate(texts.cluster, values);
    const files = {
      'nats.conf': texts.shared,
      'node.conf': fillTemplate(texts.node, values),
      'cluster.conf': count === 1 ? '' : canIsolate ? withoutGossip(clusterText) : clusterText,
      'ca.crt': ca,
      'node.crt': certificates[index]?.certificate ?? '',
      'node.key': certificates[index]?.key ?? '',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
    return join(home, 'node.conf');
  };

  const launch = (configFile: string) =>
    spawnGuarded(natsServerBinary(root), ['--config', configFile], { environment });

  const startNode = async (index: number): Promise<NatsNode> => {
    const configFile = await configure(index);
    let child: GuardedProcess = await launch(configFile);
    return {
      name: `nats-${index}`,
      url: `tls://127.0.0.1:${portsOf(index).client}`,
      monitorUrl: `http://127.0.0.1:${portsOf(index).monitor}`,
      configFile,
      get pid() {
        return child.pid;
      },
      tail: () => child.tail(),
      kill: () => child.kill('SIGKILL'),
      stop: () => child.stop(),
      freeze: () => child.kill('SIGSTOP'),
      continue: () => child.kill('SIGCONT'),
      isolate: () => {
        for (const { from, to, proxy } of routes) if (from === index || to === index) proxy.isolate();
      },
      rejoin: () => {
        for (const { from, to, proxy } of routes) if (from === index || to === index) proxy.pass();
      },
      restart: async () => {
        await child.stop();
        child = await launch(configFile);
      },
    };
  };

  const stopNode = async (node: NatsNode): Promise<void> => {
    // A frozen node does not hear that it should stop.
    await node.continue();
    await node.stop();
  };
  const nodes = await Promise.all(indexes.map((index) => keep(startNode(index), stopNode)));
  await untilReady(nodes);
  return {
    servers: nodes.map(({ url }) => url),
    ca,
    brokerSeed: user.seed,
    nodes,
    environment,
    ready: () => untilReady(nodes),
    leaderOf: (stream) => leaderOf(nodes, stream),
    stop,
  };
}

interface Route {
  readonly from: number;
  readonly to: number;
  readonly proxy: TcpProxy;
}

/** A proxy for each way from one node to another. */
function startRoutes(
  indexes: readonly number[],
  portOf: (index: number) => number,
  keep: TemporaryStack['keep'],
): Promise<readonly Route[]> {
  const pairs = indexes.flatMap((from) => indexes.filter((to) => to !== from).map((to) => ({ from, to })));
  return Promise.all(
    pairs.map(async ({ from, to }) => {
      const starting = startTcpProxy(() => portOf(to));
      return { from, to, proxy: await keep(starting, (proxy) => proxy.close()) };
    }),
  );
}

/** Nodes tell each other and clients of addresses past the proxies; here they tell clients none, nodes a dead one. */
function withoutGossip(clusterText: string): string {
  return clusterText.replace('cluster {', 'cluster {\n  no_advertise: true\n  advertise: "127.0.0.1:1"');
}

async function readTemplates(root: string) {
  const read = (name: string) => readFile(join(root, 'infra', 'nats', name), 'utf8');
  const [shared, node, cluster] = await Promise.all(
    ['nats.conf', 'nats-node.conf.tmpl', 'nats-cluster.conf.tmpl'].map(read),
  );
  return { shared: shared ?? '', node: node ?? '', cluster: cluster ?? '' };
}

async function untilReady(nodes: readonly NatsNode[]): Promise<void> {
  const deadline = Date.now() + readyMilliseconds;
  for (const node of nodes) {
    while (!(await isReady(node, nodes.length))) {
      if (Date.now() > deadline) {
        throw new Error(`no NATS cluster:\n${nodes.map(({ tail }) => tail()).join('\n')}`);
      }
      await delay(pollMilliseconds);
    }
  }
}

/** It is healthy by its own account, and where there are several it knows who leads JetStream. */
async function isReady(node: NatsNode, count: number): Promise<boolean> {
  const health = await ask<{ readonly status?: string }>(node, '/healthz');
  if (health?.status !== 'ok') return false;
  if (count === 1) return true;
  const state = await ask<JetStreamState>(node, '/jsz');
  return (state?.meta_cluster?.leader ?? '') !== '' && state?.meta_cluster?.cluster_size === count;
}

interface JetStreamState {
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly cluster?: { readonly leader?: string };
    }[];
  }[];
}

async function leaderOf(nodes: readonly NatsNode[], stream: string): Promise<string | undefined> {
  const states = await Promise.all(nodes.map((node) => ask<JetStreamState>(node, '/jsz?streams=true')));
  const leaders = states.flatMap((state) =>
    (state?.account_details ?? []).flatMap(({ stream_detail: details = [] }) =>
      details.flatMap(({ name, cluster }) => (name === stream && cluster?.leader ? [cluster.leader] : [])),
    ),
  );
  return leaders[0];
}

/** Undefined when it does not answer. */
async function ask<Answer>(node: NatsNode, path: string): Promise<Answer | undefined> {
  try {
    const answer = await fetch(`${node.monitorUrl}${path}`, { signal: AbortSignal.timeout(askMilliseconds) });
    return (await answer.json()) as Answer;
  } catch {
    return undefined;
  }
}

/** Ports that were free a moment ago: the routes of a cluster must be known before its nodes start. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
