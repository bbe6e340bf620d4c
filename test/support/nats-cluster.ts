// The NATS cluster of the chaos runs, for tests.

export {
  fillTemplate,
  type NatsCluster,
  natsServerBinary,
  startNatsCluster,
} from '../../scripts/stack/nats-cluster';
