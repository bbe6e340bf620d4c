// The proxy of tests and chaos runs: after pass() it does nothing any longer, whatever it was asked for before.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy';

describe('a proxy before a server that repeats what it hears', () => {
  const server = createServer((socket) => socket.pipe(socket).on('error', () => socket.destroy()));
  let proxy: TcpProxy;
  let client: Socket;

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(async () => {
    proxy = await startTcpProxy(() => (server.address() as AddressInfo).port);
    client = connect(proxy.port, '127.0.0.1');
    await once(client, 'connect');
    expect(await repeated('before')).toBe('before');
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
  });
  afterAll(async () => {
    server.close();
    await once(server, 'close');
  });

  /** What comes back; rejects when the connection is reset. */
  const repeated = async (text: string): Promise<string> => {
    const answered = once(client, 'data') as Promise<[Buffer]>;
    client.write(text);
    return (await answered)[0].toString();
  };

  it('loses an answer and resets its connection', async () => {
    proxy.loseAnswers(1);
    await expect(repeated('lost')).rejects.toThrow();
  });

  it('regression: loses nothing after pass(), though fewer answers came than were to be lost', async () => {
    proxy.loseAnswers(3);
    proxy.loseAnswer('after');
    proxy.pass();
    expect(await repeated('after')).toBe('after');
  });
});
