// The HTTP side: limits, routing, and handing each request to the library in-process.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BoundedBody } from './bounded-body';
import type { Binding, HostLog, RegisteredFunction, TypedData } from './core-module';
import { HostError } from './host-error';
import { invoke } from './invoke';
import type { LoadedApp } from './load-app';
import { createRouteTable, type RouteDefinition } from './routes';
import type { Timers } from './timers';
import type { WorkCounter } from './work-counter';

export interface FrontOptions {
  readonly app: LoadedApp;
  readonly functions: readonly HttpFunction[];
  readonly timers: Timers;
  readonly routePrefix: string;
  /** Bytes of request body; beyond it 413. */
  readonly maxBodyBytes: number;
  readonly work: WorkCounter;
  readonly log: HostLog;
}

export interface HttpFunction extends RouteDefinition {
  readonly binding: string;
  readonly registered: RegisteredFunction;
}

/** Reads the options of an HTTP trigger. @throws HostError when they are not texts */
export function toHttpFunction(
  registered: RegisteredFunction,
  binding: string,
  trigger: Binding,
): HttpFunction {
  const { route, methods } = trigger;
  const name = registered.metadata.name;
  if (route !== undefined && typeof route !== 'string') {
    throw new HostError(`The route of function ${name} is not a text.`);
  }
  if (!Array.isArray(methods)) throw new HostError(`Function ${name} has no methods.`);
  return { name, route, methods: methods.map(String), binding, registered };
}

const adminPrefix = '/admin/functions/';
/** How long the rest of a body is read and dropped after the answer, as the real host's server does. */
const discardMilliseconds = 5_000;
const maxAdminBodyBytes = 1024 * 1024;

/** The request listener of the local host's server. */
export function createFront(options: FrontOptions): (req: IncomingMessage, res: ServerResponse) => void {
  const { app, timers, maxBodyBytes, work, log } = options;
  const findRoute = createRouteTable(options.functions, options.routePrefix);

  return (request, response) => {
    const { method = '', headers } = request;
    const url = toOriginForm(request.url ?? '/');
    request.url = url;
    const path = readPath(url);

    work.begin();
    response.once('close', work.end);
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody) {
      const { socket } = request;
      response.once('finish', () => {
        if (!request.complete) discardRest(request, socket);
      });
    }
    if (Number(headers['content-length'] ?? 0) > maxBodyBytes) {
      answer(response, 413);
      return;
    }
    if (path.toLowerCase().startsWith(adminPrefix)) {
      void runByHand(request, response, path.slice(adminPrefix.length), timers).catch((error: unknown) => {
        log('error', `Request to ${path} failed: ${String(error)}`);
        answer(response, 500);
      });
      return;
    }
    const match = findRoute(method, path);
    if (!match) {
      answer(response, 404);
      return;
    }
    const metadata: Record<string, TypedData> = { Headers: { json: JSON.stringify(headers) } };
    for (const [name, value] of Object.entries(match.params)) metadata[name] = { string: value };
    const invocationId = randomUUID();
    headers['x-ms-invocation-id'] = invocationId;
    headers['x-forwarded-host'] = headers.host ?? 'localhost';
    headers['x-forwarded-proto'] = 'http';
    app.accept(
      headers['transfer-encoding'] === undefined
        ? request
        : new BoundedBody(request, maxBodyBytes, () => {
            answer(response, 413);
          }),
      response,
    );
    const { registered, binding, name } = match.target;
    work.begin();
    void invoke(app, registered, { invocationId, binding, data: {}, metadata })
      .then(() => {
        if (!response.writableEnded) throw new Error('It returned nothing.');
      })
      .catch((error: unknown) => {
        fail(name, error, request, response);
      })
      .finally(work.end);
  };

  function fail(name: string, error: unknown, request: IncomingMessage, response: ServerResponse): void {
    // The one who would read an answer has gone, or has had another one.
    if (response.destroyed || response.writableEnded) return;
    if (!URL.canParse(`http://${request.headers.host ?? 'localhost'}${request.url ?? '/'}`)) {
      answer(response, 400);
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log('error', `Function ${name} failed; the real host would leave this request hanging. ${text}`);
    if (response.headersSent) response.destroy();
    else answer(response, 500);
  }
}

/** `POST /admin/functions/<name>` runs a function that is not triggered by HTTP; the answer does not wait. */
async function runByHand(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  timers: Timers,
): Promise<void> {
  if (request.method !== 'POST') {
    answer(response, 404);
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes <= maxAdminBodyBytes) chunks.push(chunk);
  }
  if (bytes > maxAdminBodyBytes || !isJsonObject(Buffer.concat(chunks).toString('utf8'))) {
    answer(response, bytes > maxAdminBodyBytes ? 413 : 400);
    return;
  }
  answer(response, timers.run(name) ? 202 : 404);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Ends a response without a body, if none has begun. */
function answer(response: ServerResponse, status: number): void {
  if (response.headersSent || response.destroyed) return;
  // What the library would still write is not sent; it does not look at the outcome.
  response.writeHead(status, { 'content-length': 0, ...(status === 413 ? { connection: 'close' } : {}) });
  response.end();
}

/**
 * Reads on for a while, so that a client that is still sending gets the answer, then ends the connection. What a
 * handler has given up on cannot be read on; then the while is all that the client gets.
 */
function discardRest(request: IncomingMessage, socket: Socket): void {
  const timeout = setTimeout(() => socket.destroy(), discardMilliseconds);
  const done = () => {
    clearTimeout(timeout);
    // A kept connection has many requests, each with an end of its own.
    socket.off('close', done);
  };
  socket.once('close', done);
  if (request.destroyed) return;
  request.once('end', done);
  request.unpipe();
  request.removeAllListeners('readable');
  // Listeners that are removed take effect in the next tick; before it, resume() would not make data flow.
  setImmediate(() => request.resume());
}

/** Path and query of a request target, which may be an absolute URL (RFC 9112 §3.2.2). */
function toOriginForm(target: string): string {
  if (target.startsWith('/')) return target;
  const url = URL.parse(target);
  return url ? `${url.pathname}${url.search}` : '/';
}

function readPath(url: string): string {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  // Dot segments are resolved before routes are matched (RFC 3986 §5.2.4).
  return /\/(?:\.|%2e)/i.test(path) ? new URL(`http://localhost${path}`).pathname : path;
}
