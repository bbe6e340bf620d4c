// Loads a built app and takes over the HTTP server that the library makes for itself when streaming is on:
// requests are handed to it in-process, because a TCP hop to it would cost 40 % (design §11).

import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { channel } from 'node:diagnostics_channel';
import {
  createCoreModule,
  withCoreModule,
  type Hook,
  type HookName,
  type HostLog,
  type ProgrammingModel,
  type RegisteredFunction,
  type Registrations,
} from './core-module';
import { HostError } from './host-error';

const requestStart = channel('http.server.request.start');

/** An app that has registered its functions. */
export interface LoadedApp {
  readonly functions: readonly RegisteredFunction[];
  readonly hooks: Readonly<Record<HookName, readonly Hook[]>>;
  readonly model: ProgrammingModel;
  readonly log: Registrations['log'];
  /** What the app's hooks share over its life. */
  readonly hookData: Record<string, unknown>;
  /** Gives a request to the library; its header `x-ms-invocation-id` names the invocation that will take it. */
  readonly accept: (request: Pick<IncomingMessage, 'headers'>, response: ServerResponse) => void;
}

/**
 * Loads the bundle (a CommonJS file with `@azure/functions-core` left external) once more, whatever was loaded
 * before, with the environment as it is.
 * @throws HostError when the app does not start, registers nothing or does not stream
 */
export async function loadApp(bundle: string, write: HostLog): Promise<LoadedApp> {
  const core = createCoreModule(write);
  const requireBundle = createRequire(bundle);
  try {
    Reflect.deleteProperty(requireBundle.cache, requireBundle.resolve(bundle));
    withCoreModule(core.exports, () => requireBundle(bundle) as unknown);
  } catch (error) {
    throw new HostError(`The app did not start. ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const { functions, hooks, log } = core.registrations;
  const model = core.registrations.model;
  if (!model || functions.length === 0) throw new HostError('The app registers no function.');
  const server = await captureServer(() => model.getCapabilities({}));
  core.lock();
  if (!server) throw new HostError('The app must call app.setup({ enableHttpStream: true }).');
  return {
    functions,
    hooks,
    model,
    log,
    hookData: {},
    accept: (request, response) => {
      // As a server does whose parser has read a request.
      requestStart.publish({ request, response, server });
      server.emit('request', request, response);
    },
  };
}

/** The server that is told to listen while `start` runs. It never listens; it only believes that it does. */
async function captureServer(start: () => Promise<unknown>): Promise<Server | undefined> {
  const captured: Server[] = [];
  const prototype = Server.prototype as { listen: unknown };
  prototype.listen = function (this: Server, ...args: unknown[]) {
    captured.push(this);
    this.address = () => ({ port: 1, address: '127.0.0.1', family: 'IPv4' });
    const listening = args.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    if (listening) queueMicrotask(listening);
    return this;
  };
  try {
    await start();
  } finally {
    // It was inherited from node:net before.
    Reflect.deleteProperty(prototype, 'listen');
  }
  return captured[0];
}
