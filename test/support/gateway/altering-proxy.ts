// A broker that breaks the contract in one place: passes everything on to the real one and alters single answers on
// their way back. It shows that a simulated gateway notices.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface PassedAnswer {
  readonly status: number;
  readonly text: string;
}

/** @returns the answer to give instead; undefined leaves it */
export type Alter = (request: string, answer: PassedAnswer) => PassedAnswer | undefined;

export interface AlteringProxy {
  readonly url: string;
  /** From now on; `request` is method and path without query. */
  readonly alter: (alter: Alter) => void;
  readonly stop: () => Promise<void>;
}

export async function startAlteringProxy(target: string): Promise<AlteringProxy> {
  let alterAnswer: Alter = () => undefined;
  const server = createServer((request, response) => {
    const pass = async () => {
      const { method = 'GET', url = '/' } = request;
      const sent = await buffer(request);
      const answer = await fetch(`${target}${url}`, {
        method,
        headers: {
          authorization: request.headers.authorization ?? '',
          'content-type': request.headers['content-type'] ?? '',
        },
        ...(sent.length ? { body: sent } : {}),
      });
      const passed = { status: answer.status, text: await answer.text() };
      const altered = alterAnswer(`${method} ${url.split('?')[0]}`, passed) ?? passed;
      const type = answer.headers.get('content-type') ?? 'application/json';
      response.writeHead(altered.status, { 'content-type': type }).end(altered.text);
    };
    pass().catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    alter: (alter) => (alterAnswer = alter),
    stop: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}
