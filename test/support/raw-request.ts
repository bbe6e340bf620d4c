// Requests written to a connection byte by byte, for clients that no library would be.

import { connect, type Socket } from 'node:net';
import type { ParticipantClient } from '../../client';

/** Head of a request without its end, with further header lines. */
export const requestHead = (
  target: string,
  { accessToken }: ParticipantClient,
  ...more: readonly string[]
): string =>
  [`${target} HTTP/1.1`, 'Host: broker', `Authorization: Bearer ${accessToken}`, ...more, '', ''].join(
    '\r\n',
  );

/** Sends a head, then whatever `write` does, until an answer has come or the connection ends. */
export function rawAnswer(url: string, text: string, write: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTo(url);
    let answer = '';
    socket.once('close', () => resolve(answer));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
      if (/\r\n\r\n[^]*\}$|413/.test(answer)) socket.destroy();
    });
    socket.write(text, () => {
      write(socket);
    });
  });
}

/** A connection whose end is no failure. */
export function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on('error', () => undefined);
}

/** A beginning, then a byte now and then. */
export const drip =
  (begin: string, again = 'x') =>
  (socket: Socket): void => {
    socket.write(begin);
    const timer = setInterval(() => socket.write(again), 50);
    socket.once('close', () => {
      clearInterval(timer);
    });
  };
