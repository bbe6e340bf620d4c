// npm start as its users meet it: what it prints, what it refuses, what survives a restart, and that it leaves no
// process behind however it ends.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyPair, ParticipantClient } from '../../client';
import {
  processesIn,
  root,
  runBuiltCommand,
  type RunningCommand,
  runNpm,
  untilNoProcessIn,
} from '../support/command';

const readyLine = /^broker ready at (http:\/\/127\.0\.0\.1:\d+)$/m;
const timeout = 60_000;

describe('npm start', () => {
  let directory: string;
  let commands: RunningCommand[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'broker-start-'));
    commands = [];
  });
  afterEach(async () => {
    for (const { child } of commands) child.kill('SIGTERM');
    await Promise.all(commands.map(({ ended }) => ended));
    await untilNoProcessIn(directory, 10_000);
    await rm(directory, { recursive: true, force: true });
  }, 30_000);

  const start = (...args: string[]): RunningCommand => {
    const command = runBuiltCommand('start', ['--port', '0', '--data', directory, ...args]);
    commands.push(command);
    return command;
  };
  const startUp = async (...args: string[]) => {
    const command = start('--no-demo', ...args);
    const [, url = ''] = await command.waitFor(readyLine);
    return { command, url };
  };
  const natsPid = () => {
    const [pid] = processesIn(join(directory, 'nats'));
    if (pid === undefined) throw new Error('no nats-server runs');
    return pid;
  };

  it(
    'plays the guided exchange, prints two curl lines and ends with --exit',
    async () => {
      const command = start('--exit');
      expect(await command.ended).toBe(0);
      expect(command.stdout()).toMatch(readyLine);
      expect(command.stdout()).toMatch(/POST \/messages\/ack +200/);
      expect(command.stdout().match(/^curl -sS .*$/gm)).toHaveLength(2);
      expect(command.stderr()).toBe('');
      await untilNoProcessIn(directory, 0);
    },
    timeout,
  );

  it(
    'keeps its keys where only their owner can read them',
    async () => {
      await start('--exit', '--no-demo').ended;
      const file = join(directory, 'keys.json');
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const before = await readFile(file, 'utf8');
      await start('--exit', '--no-demo').ended;
      expect(await readFile(file, 'utf8')).toBe(before);
    },
    timeout,
  );

  it(
    'says in one line that a port is in use',
    async () => {
      const server = createServer();
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { port } = server.address() as { port: number };
      const command = start('--port', String(port));
      expect(await command.ended).toBe(1);
      expect(command.stderr()).toMatch(/^port \d+ is in use.*\n$/);
      server.close();
    },
    timeout,
  );

  it(
    'says in one line that a data directory cannot be used',
    async () => {
      const file = join(directory, 'file');
      await writeFile(file, '');
      const command = start('--data', file);
      expect(await command.ended).toBe(1);
      expect(command.stderr()).toMatch(/^the data directory .* cannot be used.*\n$/);
    },
    timeout,
  );

  it(
    'says in one line that there is no nats-server',
    async () => {
      const command = runBuiltCommand('start', ['--port', '0', '--data', directory], {
        NATS_SERVER_BINARY: join(directory, 'none'),
      });
      commands.push(command);
      expect(await command.ended).toBe(1);
      expect(command.stderr()).toMatch(/^there is no nats-server at .*\n$/);
    },
    timeout,
  );

  it(
    'runs beside another one, but not in the same data directory',
    async () => {
      const first = await startUp();
      const beside = await startUp('--data', join(directory, 'beside'));
      expect(beside.url).not.toBe(first.url);
      const same = start('--no-demo');
      expect(await same.ended).toBe(1);
      expect(same.stderr()).toMatch(/^the data directory .* is in use.*\n$/);
    },
    timeout,
  );

  it(
    'still has yesterday’s messages after a restart, also when it was killed',
    async () => {
      const key = createKeyPair();
      const first = await startUp();
      const sender = await ParticipantClient.login(first.url, key);
      const topic = await sender.request<{ id: string }>('POST', '/topics', {
        name: 'kept',
        owner: 'demo.apps.demo.iam.ewc',
        schemaType: 'JSD7',
        schema: '{}',
        version: '1.0.0',
        tags: [],
      });
      expect(topic.status).toBe(200);
      const sent = await sender.request<{ recipients: { sent: number } }>('POST', '/messages', {
        fqcns: [sender.did],
        topicId: topic.body.id,
        topicVersion: '1.0.0',
        payload: '"kept"',
        payloadEncryption: false,
        signature: 's',
        clientGatewayMessageId: crypto.randomUUID(),
      });
      expect(sent.body.recipients.sent).toBe(1);
      first.command.child.kill('SIGKILL');
      await first.command.ended;

      const second = await startUp();
      const again = await ParticipantClient.login(second.url, key);
      const found = await again.request<{ payload: string }[]>('POST', '/messages/search', {
        clientId: 'kept',
        topicId: [topic.body.id],
      });
      expect(found.body.map(({ payload }) => payload)).toEqual(['"kept"']);
    },
    timeout,
  );

  it(
    'starts a killed nats-server again within five seconds',
    async () => {
      const { command, url } = await startUp();
      const pid = natsPid();
      process.kill(pid, 'SIGKILL');
      const killedAt = Date.now();
      await command.waitFor(/nats-server is back/);
      expect(Date.now() - killedAt).toBeLessThan(5_000);
      expect(natsPid()).not.toBe(pid);
      const participant = await ParticipantClient.login(url, createKeyPair());
      expect(participant.accessToken).not.toBe('');
    },
    timeout,
  );

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'stops everything within ten seconds of %s',
    async (signal) => {
      const { command } = await startUp();
      command.child.kill(signal);
      expect(await untilNoProcessIn(directory, 10_000)).toBeLessThan(10_000);
      expect(await command.ended).toBe(0);
    },
    timeout,
  );

  it(
    'leaves no process behind when it is killed with SIGKILL',
    async () => {
      const { command } = await startUp();
      expect(processesIn(directory).length).toBeGreaterThan(1);
      command.child.kill('SIGKILL');
      await untilNoProcessIn(directory, 10_000);
    },
    timeout,
  );

  it(
    'leaves no process behind when npm is killed with SIGKILL',
    async () => {
      const npm = runNpm(['start', '--', '--port', '0', '--no-demo', '--data', directory]);
      commands.push(npm);
      await npm.waitFor(readyLine);
      npm.child.kill('SIGKILL');
      await untilNoProcessIn(directory, 10_000);
    },
    timeout,
  );

  it(
    'explains every command',
    async () => {
      const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
        scripts: Record<string, string>;
      };
      for (const name of Object.keys(scripts)) {
        const help = runNpm(['run', name, '--silent', '--', '--help']);
        expect({ name, code: await help.ended }).toEqual({ name, code: 0 });
        expect(help.stdout()).toContain('npm');
      }
    },
    timeout,
  );
});
