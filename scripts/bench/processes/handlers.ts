// The broker's handlers without the library's HTTP server and without the local host: a bare HTTP server, as the
// floor has it, makes the library's request and context and calls the handler of the built app.

import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FunctionCallback } from '../../local-host/core-module';
import { loadApp } from '../../local-host/load-app';
import { serve } from '../child';

export interface HandlersRequest {
  /** Path of the built app; its settings stand in the environment. */
  readonly bundle: string;
}

/** Port on which it listens. */
export type HandlersReply = number;

export function runHandlersProcess(): void {
  serve(async ({ bundle }: HandlersRequest): Promise<HandlersReply> => {
    const app = await loadApp(bundle, () => undefined);
    const handlers = new Map<string, FunctionCallback>(
      app.functions.flatMap(({ metadata, callback }) =>
        Object.values(metadata.bindings).flatMap(({ route, methods }) =>
          Array.isArray(methods) ? [[`${String(methods[0])} /${String(route)}`, callback] as const] : [],
        ),
      ),
    );
    const handle = async (
      request: IncomingMessage,
      body: Buffer,
      response: ServerResponse,
    ): Promise<void> => {
      const { method = '', url = '' } = request;
      const handler = handlers.get(`${method} ${url}`);
      const answer = (await handler?.(
        new HttpRequest({
          method,
          url: `http://127.0.0.1${url}`,
          headers: request.headers as Record<string, string>,
          body: { bytes: body },
        }),
        new InvocationContext({ invocationId: '', functionName: '' }),
      )) as HttpResponseInit | undefined;
      response
        .writeHead(answer?.status ?? 404, answer?.headers as Record<string, string>)
        .end(answer?.body as Uint8Array | undefined);
    };
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        handle(request, Buffer.concat(chunks), response).catch(() => response.writeHead(500).end());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  });
}
