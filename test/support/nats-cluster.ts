// The NATS cluster of the chaos runs, for tests.

export { fillTemplate, type NatsCluster, startNatsCluster } from '../../scripts/stack/nats-cluster';
export { natsServerBinary } from '../../scripts/stack/nats-server';
