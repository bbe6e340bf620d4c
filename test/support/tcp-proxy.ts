// A TCP proxy in front of a server, to cut, to silence and to lose single answers of real connections.

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections that clients have opened so far. */
  readonly accepted: () => number;
  /** Loses the next chunk from the server that contains the text. @returns how often it has been lost so far */
  readonly loseAnswer: (text: string, times?: number) => () => number;
  /** Drops all that the server sends until pass(). @returns how many chunks were dropped so far */
  readonly silence: () => () => number;
  /** Resets every connection; new ones are let through. */
  readonly reset: () => void;
  /** Resets every connection and every new one until pass(). */
  readonly refuse: () => void;
  /** Back to doing nothing. Connections that were silenced have lost bytes and are reset. */
  readonly pass: () => void;
  readonly close: () => Promise<void>;
}

/** @param targetPort port on 127.0.0.1; read anew for each connection */
export async function startTcpProxy(targetPort: () => number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const toLose: { text: string; left: number; lost: number }[] = [];
  let dropped = 0;
  let mode: 'pass' | 'silent' | 'refusing' = 'pass';

  const isLost = (chunk: Buffer): boolean => {
    if (mode === 'silent') {
      dropped++;
      return true;
    }
    const wanted = toLose.find(({ text, left }) => left > 0 && chunk.includes(text));
    if (!wanted) return false;
    wanted.left--;
    wanted.lost++;
    return true;
  };
  let accepted = 0;
  const server = createServer((client) => {
    accepted++;
    if (mode === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(targetPort(), '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (isLost(chunk)) return;
      if (!client.write(chunk)) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
  });
  const resetAll = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  await listen(server);
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    loseAnswer: (text, times = 1) => {
      const wanted = { text, left: times, lost: 0 };
      toLose.push(wanted);
      return () => wanted.lost;
    },
    silence: () => {
      mode = 'silent';
      dropped = 0;
      return () => dropped;
    },
    reset: resetAll,
    refuse: () => {
      mode = 'refusing';
      resetAll();
    },
    pass: () => {
      if (mode === 'silent') resetAll();
      mode = 'pass';
    },
    close: () => {
      resetAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}
