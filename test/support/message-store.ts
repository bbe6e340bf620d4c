// Where a broker under test keeps its messages: one NATS server, or, with NATS_CLUSTER set, the cluster of a deployment:
// three nodes from the templates of infra/nats, with TLS and nkeys.

import { type NatsCluster, startNatsCluster } from './nats-cluster';
import { startNatsServer } from './nats-server';

export interface MessageStore {
  /** Settings of the broker. */
  readonly settings: Readonly<Record<string, string>>;
  /** Undefined for a single server. */
  readonly cluster: NatsCluster | undefined;
  readonly stop: () => Promise<void>;
}

export type MessageStoreKind = 'server' | 'cluster';

export const chosenStoreKind = (): MessageStoreKind => (process.env['NATS_CLUSTER'] ? 'cluster' : 'server');

export async function startMessageStore(kind: MessageStoreKind): Promise<MessageStore> {
  if (kind === 'server') {
    const server = await startNatsServer();
    return { settings: { NATS_SERVERS: server.url }, cluster: undefined, stop: () => server.stop() };
  }
  const cluster = await startNatsCluster();
  const settings = {
    NATS_SERVERS: cluster.servers.join(','),
    NATS_CREDENTIALS: cluster.brokerSeed,
    NATS_CA_PEM: cluster.ca,
    STREAM_REPLICAS: '3',
    SHARD_COUNT: '4',
  };
  return { settings, cluster, stop: cluster.stop };
}
