// A real NATS cluster for a test, from the templates that a deployment uses (infra/nats): TLS to clients and among the
// nodes, one nkey user with the permissions of the broker. On 127.0.0.1, in a temporary directory, on ports chosen by
// the system; gone after stop() and also when the test process is killed.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect, nkeyAuthenticator } from 'nats';
import { createNatsCertificates } from '../../scripts/deploy/nats-certificates';
import { createNkeyUser } from '../../scripts/deploy/nkey';
import { type GuardedProcess, spawnGuarded } from '../../scripts/stack/guarded-process';

export interface NatsClusterOptions {
  /** Default 3; 1 is a server without a cluster. */
  readonly nodes?: number;
  /** `sync_interval` of JetStream, default `2m`: `always` makes tests slow. */
  readonly syncInterval?: string;
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
  /** Settles when every running node is in the cluster and JetStream has a leader. */
  readonly ready: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const root = resolve(__dirname, '../..');
const templates = join(root, 'infra', 'nats');
const readyMilliseconds = 60_000;

/** Fills in a template of infra/nats, as infra/bicep/modules/nats.bicep does. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{{${name}}}`, value),
    template,
  );
}

/** The program that the launcher found. */
export const natsServerBinary = (): string =>
  process.env['NATS_SERVER_BINARY'] ?? join(root, '.tools', 'bin', 'nats-server');

/** @throws Error with the last log lines of the nodes when there is no cluster within a minute */
export async function startNatsCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  const count = options.nodes ?? 3;
  const directory = await mkdtemp(join(tmpdir(), 'broker-cluster-'));
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
  const texts = await readTemplates();

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
      routes: indexes.map((other) => `tls://127.0.0.1:${portsOf(other).cluster}`).join(', '),
    };
    const files = {
      'nats.conf': texts.shared,
      'node.conf': fillTemplate(texts.node, values),
      'cluster.conf': count === 1 ? '' : fillTemplate(texts.cluster, values),
      'ca.crt': ca,
      'node.crt': certificates[index]?.certificate ?? '',
      'node.key': certificates[index]?.key ?? '',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
    return join(home, 'node.conf');
  };

  const launch = (configFile: string) =>
    spawnGuarded(natsServerBinary(), ['--config', configFile], { environment });

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
      restart: async () => {
        await child.stop();
        child = await launch(configFile);
      },
    };
  };

  const nodes = await Promise.all(indexes.map(startNode));
  const cluster: NatsCluster = {
    servers: nodes.map(({ url }) => url),
    ca,
    brokerSeed: user.seed,
    nodes,
    environment,
    ready: () => untilReady(nodes, ca, user.seed),
    stop: async () => {
      // A frozen node does not hear that it should stop.
      await Promise.all(nodes.map((node) => node.continue()));
      await Promise.all(nodes.map((node) => node.stop()));
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await cluster.ready();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

async function readTemplates() {
  const read = (name: string) => readFile(join(templates, name), 'utf8');
  const [shared, node, cluster] = await Promise.all(
    ['nats.conf', 'nats-node.conf.tmpl', 'nats-cluster.conf.tmpl'].map(read),
  );
  return { shared: shared ?? '', node: node ?? '', cluster: cluster ?? '' };
}

/** JetStream answers the broker's user: there is a leader, and this node knows it. */
async function untilReady(nodes: readonly NatsNode[], ca: string, seed: string): Promise<void> {
  const deadline = Date.now() + readyMilliseconds;
  for (const node of nodes) {
    while (!(await answers(node.url, ca, seed))) {
      if (Date.now() > deadline) {
        throw new Error(`no NATS cluster:\n${nodes.map(({ tail }) => tail()).join('\n')}`);
      }
    }
  }
}

async function answers(server: string, ca: string, seed: string): Promise<boolean> {
  try {
    const connection = await connect({
      servers: server,
      tls: { ca },
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      reconnect: false,
      timeout: 2_000,
    });
    try {
      const reply = await connection.request('$JS.API.INFO', '', { timeout: 1_000 });
      return !reply.json<{ error?: object }>().error;
    } finally {
      await connection.close();
    }
  } catch {
    // Not yet: wait a little, as a refused connection fails at once.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
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
