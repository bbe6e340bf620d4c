// The broker on the cluster of a deployment: TLS, nkeys, three replicas.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { playGuidedExchange } from '../../scripts/guided/guided-exchange';
import { type ClusterStack, startClusterStack } from '../support/cluster-stack';

const root = resolve(__dirname, '../..');

describe('the broker on a cluster of three nodes', () => {
  let stack: ClusterStack;
  beforeAll(async () => {
    stack = await startClusterStack();
  }, 120_000);
  afterAll(() => stack.stop(), 60_000);

  it('passes the e2e suites that take any broker', async () => {
    // jest within jest: these suites ask BROKER_URL which broker they are about.
    const jest = spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--selectProjects', 'e2e'],
        ...['--testPathPatterns', '(guided|message)-exchange', '--maxWorkers', '1'],
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

  it('goes on when a node is lost', async () => {
    const [node] = stack.cluster.nodes;
    await node?.kill();
    await playGuidedExchange(stack.url, () => undefined);
    await node?.restart();
    await stack.cluster.ready();
    await playGuidedExchange(stack.url, () => undefined);
    const health = await fetch(`${stack.url}/health`);
    expect(health.status).toBe(200);
  }, 120_000);
});
