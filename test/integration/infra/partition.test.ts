// One node of three that the others cannot reach, while its clients still can: it loses what it leads, confirms nothing,
// and catches up when it is back.

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { connect, type NatsConnection, nkeyAuthenticator } from 'nats';
import { eventually } from '../../support/eventually';
import { type NatsCluster, startNatsCluster } from '../../support/nats-cluster';

// Three servers that elect leaders: on a busy machine that takes a while.
jest.setTimeout(120_000);

const stream = 'DDHUB_MAIL_0';
/** The broker's user may not ask for the account. */
const withoutCheck = { checkAPI: false };
let cluster: NatsCluster;
const connections: NatsConnection[] = [];

beforeAll(async () => {
  cluster = await startNatsCluster({ canIsolate: true });
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await cluster.stop();
});

async function connectTo(url: string): Promise<NatsConnection> {
  const connection = await connect({
    servers: url,
    tls: { ca: cluster.ca },
    authenticator: nkeyAuthenticator(new TextEncoder().encode(cluster.brokerSeed)),
    reconnect: false,
  });
  connections.push(connection);
  return connection;
}

test('an isolated node loses its streams to the others and gets them back', async () => {
  const first = await connectTo(cluster.servers[0] ?? '');
  const manager = await first.jetstreamManager(withoutCheck);
  await manager.streams.add({ name: stream, subjects: ['ddhub.0.>'], num_replicas: 3 });
  const leader = await cluster.leaderOf(stream);
  const isolated = cluster.nodes.find(({ name }) => name === leader);
  const other = cluster.nodes.find(({ name }) => name !== leader);
  if (!isolated || !other) throw new Error('there is no leader');
  const [there, here] = [await connectTo(isolated.url), await connectTo(other.url)];

  isolated.isolate();
  // Its client still reaches it; what nobody else has is not confirmed.
  await expect(there.jetstream().publish('ddhub.0.a', 'lost', { timeout: 1_000 })).rejects.toThrow();
  const confirmed = { seq: 0 };
  await eventually(async () => {
    const answer = await here
      .jetstream()
      .publish('ddhub.0.b', 'kept', { timeout: 500 })
      .catch(() => undefined);
    confirmed.seq = answer?.seq ?? 0;
    return answer !== undefined;
  }, 30_000);
  isolated.rejoin();
  await cluster.ready();
  await eventually(async () => {
    const found = await (
      await there.jetstreamManager(withoutCheck)
    ).streams
      .getMessage(stream, { seq: confirmed.seq })
      .catch(() => undefined);
    return found?.string() === 'kept';
  }, 30_000);
});
