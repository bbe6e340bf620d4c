// The broker on the cluster of a deployment: TLS, nkeys, three replicas.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { playGuidedExchange } from '../../scripts/guided/guided-exchange';
import { type NatsCluster, startNatsCluster } from '../support/nats-cluster';
import { startTestStack, type TestStack } from '../support/stack';

describe('the broker on a cluster of three nodes', () => {
  let cluster: NatsCluster;
  let stack: TestStack;
  beforeAll(async () => {
    cluster = await startNatsCluster();
    stack = await startTestStack({
      settings: {
        NATS_SERVERS: cluster.servers.join(','),
        NATS_CREDENTIALS: cluster.brokerSeed,
        NATS_CA_PEM: cluster.ca,
        STREAM_REPLICAS: '3',
        SHARD_COUNT: '4',
      },
    });
  }, 120_000);
  afterAll(async () => {
    await stack.stop();
    await cluster.stop();
  }, 60_000);

  it('lets two participants exchange a message', async () => {
    await playGuidedExchange(stack.url, () => undefined);
  }, 60_000);

  it('goes on when a node is lost', async () => {
    await cluster.nodes[0]?.kill();
    await playGuidedExchange(stack.url, () => undefined);
    await cluster.nodes[0]?.restart();
    await cluster.ready();
    await playGuidedExchange(stack.url, () => undefined);
    const health = await fetch(`${stack.url}/health`);
    expect(health.status).toBe(200);
  }, 90_000);
});
