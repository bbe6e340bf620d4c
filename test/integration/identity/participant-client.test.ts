// The developers' client over real HTTP: it logs in, and finds its way back when its tokens have ended.

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createKeyPair, didOf, ParticipantClient, readOrCreateKeyFile } from '../../../client';
import {
  type IdentityInstance,
  newSigningKey,
  refreshSeconds,
  startIdentityInstance,
} from '../../support/identity-instance';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

describe('a participant client', () => {
  let server: NatsServer;
  let instance: IdentityInstance;
  let http: Server;
  let baseUrl: string;
  let nowMs = Date.now();
  const calls: string[] = [];
  const operations: Record<string, string> = {
    '/auth/login': 'login',
    '/auth/refresh-token': 'refreshToken',
    '/channel/initExtChannel': 'registerParticipant',
  };

  beforeAll(async () => {
    server = await startNatsServer();
    instance = startIdentityInstance({
      natsUrl: server.url,
      signingKey: newSigningKey(),
      roleSource: { rolesOf: () => Promise.resolve(['user.roles.a.apps.b.iam.ewc']) },
      clock: () => nowMs,
    });
    http = createServer((request, response) => {
      const operation = operations[request.url ?? ''] ?? '';
      calls.push(operation);
      const token = request.headers.authorization?.replace('Bearer ', '');
      void text(request)
        .then((body) => instance.call(operation, body, token))
        .then((answer) =>
          response
            .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
            .end(JSON.stringify(answer.body)),
        );
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
    await instance.close();
    await server.stop();
  });

  const register = (client: ParticipantClient) => client.request('POST', '/channel/initExtChannel');

  test('logs in and calls', async () => {
    const key = createKeyPair();
    const client = await ParticipantClient.login(`${baseUrl}/`, key);
    expect(client.did).toBe(didOf(key));
    expect(await register(client)).toMatchObject({ status: 200, body: { status: [] } });
    expect(await instance.participants.exists(client.did)).toBe(true);
  });

  test('refreshes once for all calls that meet an ended access token, and repeats them', async () => {
    const client = await ParticipantClient.login(baseUrl, createKeyPair());
    const before = client.accessToken;
    nowMs += 900_000;
    calls.length = 0;
    const answers = await Promise.all([register(client), register(client), register(client)]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(calls.filter((operation) => operation === 'refreshToken')).toHaveLength(1);
    expect(client.accessToken).not.toBe(before);
    nowMs = Date.now();
  });

  test('logs in anew when the refresh token has ended too', async () => {
    // Only the refresh token's life is over: a login proves itself with the time of now.
    const old = nowMs - refreshSeconds * 1_000;
    nowMs = old;
    const late = await ParticipantClient.login(baseUrl, createKeyPair(), {
      issuedAtSeconds: Math.floor(old / 1_000),
    });
    nowMs = Date.now();
    calls.length = 0;
    expect((await register(late)).status).toBe(200);
    expect(calls).toEqual(['registerParticipant', 'refreshToken', 'login', 'registerParticipant']);
  });

  test('says what the broker answered when it does not let it in', async () => {
    await expect(
      ParticipantClient.login(baseUrl, createKeyPair(), { issuedAtSeconds: 1_000 }),
    ).rejects.toThrow('POST /auth/login answered 401');
  });
});

describe('a key file', () => {
  let directory: string;
  beforeAll(async () => (directory = await mkdtemp(join(tmpdir(), 'keys-'))));
  afterAll(() => rm(directory, { recursive: true }));

  test('is made once, for its owner alone, and gives the same key ever after', async () => {
    const file = join(directory, 'deep', 'alice.json');
    const key = await readOrCreateKeyFile(file);
    expect(await readOrCreateKeyFile(file)).toEqual(key);
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(await readFile(file, 'utf8')).toContain(key.address);
  });

  test('that holds no key is refused and left as it is', async () => {
    const file = join(directory, 'broken.json');
    await writeFile(file, '{"privateKey":"0x12"}');
    await expect(readOrCreateKeyFile(file)).rejects.toThrow('holds no key pair');
    expect(await readFile(file, 'utf8')).toBe('{"privateKey":"0x12"}');
  });
});
