// A real cluster of three nats-servers for a test, as in production: streams with three replicas, whose followers are
// a little behind their leader.

import { createServer, type Server } from 'node:net';
import { connect } from 'nats';
import { eventually } from './local-host';
import { type NatsServer, startNatsServer } from './nats-server';

export interface NatsCluster {
  /** Addresses of all servers, comma-separated as in NATS_SERVERS. */
  readonly url: string;
  readonly servers: readonly NatsServer[];
  readonly stop: () => Promise<void>;
}

/** Resolves when the cluster has a leader that makes streams with three replicas. */
export async function startNatsCluster(): Promise<NatsCluster> {
  const routePorts = await freePorts(3);
  const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    routePorts.map((port, index) =>
      startNatsServer({
        config: `server_name: node${index}\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
      }),
    ),
  );
  const url = servers.map((server) => server.url).join(',');
  const connection = await connect({ servers: url.split(',') });
  const manager = await connection.jetstreamManager({ checkAPI: false });
  await eventually(async () => {
    try {
      await manager.streams.add({ name: 'probe', subjects: ['probe'], num_replicas: 3 });
      return await manager.streams.delete('probe');
    } catch {
      return false;
    }
  });
  await connection.close();
  return {
    url,
    servers,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** Ports that were free a moment ago: a cluster's servers have to know each other's before they start. */
async function freePorts(count: number): Promise<readonly number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(probes.map(listen));
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}

function listen(probe: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
