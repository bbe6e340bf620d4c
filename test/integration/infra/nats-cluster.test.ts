// The cluster of a deployment, started from its own templates: TLS, nkeys, three replicas, and a broker's user that
// can do what the broker does and nothing else.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connect, ErrorCode, type NatsConnection, nkeyAuthenticator } from 'nats';
import { openMessageLog } from '../../../functions/container/message-store';
import { createNkeyUser } from '../../../scripts/deploy/nkey';
import { JetStream } from '../../../shared/adapters/nats/jetstream';
import { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import { readSettings } from '../../../shared/config/settings';
import { eventually } from '../../support/eventually';
import { type NatsCluster, natsServerBinary, startNatsCluster } from '../../support/nats-cluster';
import { usableSettings } from '../../support/usable-settings';

// Three servers that elect leaders: on a busy machine that takes a while.
jest.setTimeout(90_000);

const run = promisify(execFile);
const log = () => undefined;
let cluster: NatsCluster;

beforeAll(async () => {
  cluster = await startNatsCluster();
});
afterAll(() => cluster.stop());

const jetStreamOf = (credentials: string, caPem: string | undefined = cluster.ca) =>
  new JetStream({ servers: cluster.servers, credentials, caPem, log });

const layoutOf = (jetStream: JetStream) =>
  new StoreLayout(jetStream, {
    shardCount: 2,
    replicas: 3,
    duplicateWindowSeconds: 120,
    retentionClasses: ['1h'],
    log,
  });

describe('the rendered configuration', () => {
  it('is accepted by nats-server on every node', async () => {
    for (const { configFile } of cluster.nodes) {
      const { stderr } = await run(natsServerBinary(), ['-t', '--config', configFile], {
        env: cluster.environment,
      });
      expect(stderr).toContain('is valid');
    }
  });

  it('joins three nodes over TLS', async () => {
    for (const { monitorUrl } of cluster.nodes) {
      const routes = (await (await fetch(`${monitorUrl}/routez`)).json()) as {
        routes: { remote_name: string }[];
      };
      const health = await fetch(`${monitorUrl}/healthz`);
      expect(new Set(routes.routes.map(({ remote_name: name }) => name)).size).toBe(2);
      expect(health.status).toBe(200);
    }
  });
});

describe('the broker on the cluster', () => {
  it('makes its streams and buckets with three replicas, stores messages and reads them', async () => {
    const settings = readSettings({
      ...usableSettings,
      NATS_SERVERS: cluster.servers.join(','),
      NATS_CREDENTIALS: cluster.brokerSeed,
      NATS_CA_PEM: cluster.ca,
      STREAM_REPLICAS: '3',
      SHARD_COUNT: '2',
    });
    const { jetStream, layout, messageLog } = openMessageLog(settings, log);
    expect(await layout.generation(0)).toBe(1);
    expect(await layout.generation(1)).toBe(1);
    const bucket = layout.bucket('participants');
    const revision = await bucket.put('one', Buffer.from('1'), { previousRevision: 0 });
    await bucket.put('one', Buffer.from('2'), { previousRevision: revision });
    expect(Buffer.from((await bucket.get('one'))?.value ?? []).toString()).toBe('2');
    await bucket.remove('one');
    const state = await jetStream.streamState('DDHUB_MAIL_0');
    expect(state?.config.num_replicas).toBe(3);
    expect(messageLog.maxBodyBytes).toBeGreaterThan(2 * 1_048_576);
    await jetStream.close();
  });
});

describe('who may connect', () => {
  const open = (seed: string | undefined, ca: string | undefined) =>
    connect({
      servers: [...cluster.servers],
      ...(seed ? { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) } : {}),
      tls: ca ? { ca } : {},
      reconnect: false,
      timeout: 5_000,
    });

  it('is nobody without the nkey of the broker', async () => {
    await expect(open(createNkeyUser().seed, cluster.ca)).rejects.toMatchObject({
      code: ErrorCode.AuthorizationViolation,
    });
    await expect(open(undefined, cluster.ca)).rejects.toMatchObject({
      code: ErrorCode.AuthorizationViolation,
    });
  });

  it('is no client that does not know the signer of the certificates', async () => {
    await expect(open(cluster.brokerSeed, undefined)).rejects.toThrow();
  });

  describe('with the permissions of the broker', () => {
    let connection: NatsConnection;
    const refused: string[] = [];
    beforeAll(async () => {
      connection = await open(cluster.brokerSeed, cluster.ca);
      void (async () => {
        for await (const status of connection.status()) {
          if (status.permissionContext) refused.push(status.permissionContext.subject);
        }
      })();
    });
    afterAll(() => connection.close());

    /** The server's refusal arrives before its answer to the flush, and reaches us some time later. */
    const untilRefused = async (subject: string) => {
      await connection.flush();
      await eventually(() => refused.includes(subject));
    };

    it.each([
      'elsewhere.topic',
      'ddhub.new.0.forged',
      '$JS.API.STREAM.DELETE.DDHUB_MAIL_0',
      '$JS.API.STREAM.SNAPSHOT.DDHUB_MAIL_0',
      '$JS.API.STREAM.RESTORE.DDHUB_MAIL_0',
      '$JS.API.META.LEADER.STEPDOWN',
      '$JS.API.STREAM.MSG.DELETE.DDHUB_MAIL_0',
      '$SYS.REQ.SERVER.PING',
    ])('may not publish to %s', async (subject) => {
      connection.publish(subject, '{}');
      await untilRefused(subject);
    });

    it.each(['ddhub.0.>', '$KV.>', '$JS.EVENT.>', '>'])('may not subscribe to %s', async (subject) => {
      const subscription = connection.subscribe(subject, { callback: () => undefined });
      await untilRefused(subject);
      expect(subscription.isClosed()).toBe(true);
    });
  });
});

describe('a lost node', () => {
  it('does not stop the others, and comes back', async () => {
    const jetStream = jetStreamOf(cluster.brokerSeed);
    const layout = layoutOf(jetStream);
    const bucket = layout.bucket('participants');
    await bucket.put('before', Buffer.from('1'));
    const [first] = cluster.nodes;
    await first?.kill();
    await bucket.put('while', Buffer.from('2'));
    await first?.restart();
    await cluster.ready();
    expect(Buffer.from((await bucket.get('while'))?.value ?? []).toString()).toBe('2');
    await jetStream.close();
  });
});
