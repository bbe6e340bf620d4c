// One broker instance of a chaos run: the built app in a process of its own, which reaches the message store and Blob
// through proxies of its own.

import { type BrokerProcess, startBrokerProcess } from '../stack/broker-process';
import { startTcpProxy, type TcpProxy } from '../stack/tcp-proxy';

export interface Instance {
  /** Base URL, another one after `restart`. */
  readonly url: () => string;
  /** Between it and the message store: one for each node. */
  readonly network: readonly TcpProxy[];
  /** SIGKILL; settles when it is gone. */
  readonly kill: () => Promise<void>;
  readonly restart: () => Promise<void>;
  /** SIGSTOP: it holds its connections and does nothing. */
  readonly freeze: () => Promise<void>;
  readonly continue: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface InstanceOptions {
  /** Directory of the built repository. */
  readonly root: string;
  /** All but NATS_SERVERS. */
  readonly settings: Readonly<Record<string, string>>;
  /** URLs of the nodes. */
  readonly nodes: readonly string[];
  readonly onLine: (line: string) => void;
}

export async function startInstance({ root, settings, nodes, onLine }: InstanceOptions): Promise<Instance> {
  const targets = nodes.map((node) => new URL(node));
  const network = await Promise.all(targets.map(({ port }) => startTcpProxy(() => Number(port))));
  const servers = targets.map(({ protocol }, index) => `${protocol}//127.0.0.1:${network[index]?.port ?? 0}`);
  const start = (): Promise<BrokerProcess> =>
    startBrokerProcess({
      ...{ port: 0, root, onLine },
      settings: { ...settings, NATS_SERVERS: servers.join(',') },
    });
  const closeNetwork = () => Promise.all(network.map((proxy) => proxy.close()));
  let broker: BrokerProcess;
  try {
    broker = await start();
  } catch (error) {
    await closeNetwork();
    throw error;
  }
  return {
    url: () => broker.url,
    network,
    kill: () => broker.kill('SIGKILL'),
    restart: async () => {
      broker = await start();
    },
    freeze: () => broker.kill('SIGSTOP'),
    continue: () => broker.kill('SIGCONT'),
    stop: async () => {
      // A frozen process does not hear that it should stop.
      await broker.kill('SIGCONT');
      await broker.stop(1_000);
      await closeNetwork();
    },
  };
}
