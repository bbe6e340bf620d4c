// The broker on the cluster of a deployment: TLS, nkeys, three replicas. Here a part of the e2e run; all of it runs on
// such clusters with NATS_CLUSTER set, as npm run nightly does.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { playGuidedExchange } from '../../scripts/guided/guided-exchange';
import { eventually } from '../support/eventually';
import type { NatsCluster } from '../support/nats-cluster';
import { subscriptionsAt } from '../support/nats-monitor';
import { startTestStack, type TestStack } from '../support/stack';

/** Less than the time after which a waiting receive reads whatever it has heard (5 s). Unit: ms. */
const wokenWithinMs = 4_500;
const root = resolve(__dirname, '../..');

describe('the broker on a cluster of three nodes', () => {
  let stack: TestStack;
  let cluster: NatsCluster;
  beforeAll(async () => {
    stack = await startTestStack({ store: 'cluster', settings: { RETENTION_CLASSES: '1s,24h,30d' } });
    if (!stack.store.cluster) throw new Error('there is no cluster');
    ({ cluster } = stack.store);
  }, 120_000);
  afterAll(() => stack.stop(), 60_000);

  it('passes the e2e suites that take any broker', async () => {
    // jest within jest: these suites ask BROKER_URL which broker they are about.
    const jest = spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--selectProjects', 'e2e'],
        ...['--testPathPatterns', '(guided|message|gateway)-exchange', '--maxWorkers', '1'],
      ],
      { cwd: root, env: { ...process.env, BROKER_URL: stack.url }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [jest.stdout, jest.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const code = await new Promise((done) => jest.once('close', done));
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringMatching(/Tests: +\d+ passed/) as unknown,
    });
  }, 240_000);

  const message = (recipientDid: string, topicId: string, fields: object = {}) => ({
    fqcns: [recipientDid],
    topicId,
    topicVersion: '1.0.0',
    payload: '{"text":"hello"}',
    payloadEncryption: false,
    signature: 'signature',
    clientGatewayMessageId: randomUUID(),
    ...fields,
  });

  /** Subscriptions to the news of new messages, on all nodes. */
  const watched = async (): Promise<number> =>
    (await Promise.all(cluster.nodes.map(({ monitorUrl }) => subscriptionsAt(monitorUrl))))
      .flat()
      .filter((subject) => subject.startsWith('ddhub.new.')).length;

  it('wakes who waits: it hears of new messages', async () => {
    const { sender, recipient, topicId } = await playGuidedExchange(stack.url, () => undefined);
    interface Received {
      readonly messages: readonly unknown[];
    }
    const receive = (waitSeconds: number) =>
      recipient.request<Received>('POST', '/clients/waiting/receive', {
        max: 10,
        waitSeconds,
        leaseSeconds: 60,
      });
    while ((await receive(0)).body.messages.length) continue;
    const before = await watched();
    const waiting = receive(30);
    await eventually(async () => (await watched()) > before);
    const sentAt = performance.now();
    const sent = await sender.request('POST', '/messages', message(recipient.did, topicId));
    expect(sent.status).toBe(200);
    expect((await waiting).body.messages).toHaveLength(1);
    expect(performance.now() - sentAt).toBeLessThan(wokenWithinMs);
  }, 60_000);

  it('tells a sender of what has expired: the retention timer has its consumers', async () => {
    const { sender, recipient, topicId } = await playGuidedExchange(stack.url, () => undefined);
    const sent = await sender.request(
      'POST',
      '/messages',
      message(recipient.did, topicId, { ttlSeconds: 1 }),
    );
    expect(sent.status).toBe(200);
    const deadline = Date.now() + 30_000;
    const readReceipts = () => sender.request<{ receipts: readonly unknown[] }>('GET', '/receipts');
    let answer = await readReceipts();
    while (!answer.body.receipts.length && Date.now() < deadline) {
      await fetch(`${stack.url}/admin/functions/retention`, { method: 'POST', body: '{}' });
      answer = await readReceipts();
    }
    expect(answer.body.receipts).toMatchObject([{ recipient: recipient.did, outcome: 'expired' }]);
  }, 60_000);

  it('goes on when a node is lost', async () => {
    const [node] = cluster.nodes;
    await node?.kill();
    await playGuidedExchange(stack.url, () => undefined);
    await node?.restart();
    await cluster.ready();
    await playGuidedExchange(stack.url, () => undefined);
    const health = await fetch(`${stack.url}/health`);
    expect(health.status).toBe(200);
  }, 120_000);
});
