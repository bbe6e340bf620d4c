// Somebody who abuses the broker, in a process of its own: keeps a number of connections busy with requests whose
// answers do not matter, or holds them open with bodies that drip.

import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../child';

export interface Abuse {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Taken in turn. */
  readonly requests: readonly AbusiveRequest[];
  /** Instead of whole bodies: a byte now and then. */
  readonly drips?: boolean;
}

export interface AbusiveRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers by status. */
export type AbuseReply = Readonly<Record<number, number>>;

export function runAbuserProcess(): void {
  serve(abuse);
}

async function abuse({ port, connections, seconds, requests, drips = false }: Abuse): Promise<AbuseReply> {
  const until = performance.now() + seconds * 1_000;
  const statuses: Record<number, number> = {};
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const bodies = new Map(requests.map(({ body }) => [body, Buffer.from(body)]));
  let next = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < until) {
      const request = requests[next++ % requests.length];
      if (!request) return;
      const status = drips
        ? await drip(port, request, until)
        : await send(port, agent, request, bodies.get(request.body));
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  agent.destroy();
  return statuses;
}

function send(
  port: number,
  agent: Agent,
  { path, headers }: AbusiveRequest,
  body: Buffer | undefined,
): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, agent, method: 'POST', path, headers },
      (answer) => {
        answer.resume().once('close', () => {
          resolve(answer.statusCode ?? 0);
        });
      },
    );
    outgoing.once('error', () => {
      resolve(0);
    });
    outgoing.end(body);
  });
}

/** Holds a connection until it is closed, or the time is over. */
async function drip(port: number, { path, headers }: AbusiveRequest, until: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  const state = { isOpen: true };
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.on('error', () => undefined).once('close', () => (state.isOpen = false));
  const lines = Object.entries({ ...headers, 'content-length': '100000' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.write(`POST ${path} HTTP/1.1\r\nhost: broker\r\n${lines.join('\r\n')}\r\n\r\n{"a":"`);
  while (state.isOpen && answer === '' && performance.now() < until) {
    socket.write('x');
    await delay(100);
  }
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
}
