// The whole broker on the cluster of a deployment: three NATS nodes from the templates of infra/nats, with TLS and
// nkeys; the rest as in stack.ts.

import { type NatsCluster, startNatsCluster } from './nats-cluster';
import { startTestStack, type TestStack } from './stack';

export interface ClusterStack extends TestStack {
  readonly cluster: NatsCluster;
}

/** @throws Error when there is no cluster, or the app is not built */
export async function startClusterStack(): Promise<ClusterStack> {
  const cluster = await startNatsCluster();
  try {
    const stack = await startTestStack({
      settings: {
        NATS_SERVERS: cluster.servers.join(','),
        NATS_CREDENTIALS: cluster.brokerSeed,
        NATS_CA_PEM: cluster.ca,
        STREAM_REPLICAS: '3',
        SHARD_COUNT: '4',
      },
    });
    return { ...stack, cluster, stop: () => stack.stop().finally(() => cluster.stop()) };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
