// The local host: runs a built Functions app through the real `@azure/functions` library, as the platform does
// (design §11). A developer tool; the app does not know of it.

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import type { HostLog } from './core-module';
import { createFront, type HttpFunction, toHttpFunction } from './front';
import { HostError } from './host-error';
import { runAppHooks } from './invoke';
import { loadApp, type LoadedApp } from './load-app';
import { compareNames } from './routes';
import { createTimers, type TimerFunction, toTimerFunction } from './timers';
import { createWorkCounter } from './work-counter';

export interface LocalHostOptions {
  /** The built app: a CommonJS file with `@azure/functions-core` left external. */
  readonly bundle: string;
  /** host.json; default: the nearest one in the bundle's folder or above it. */
  readonly hostJson?: string;
  /** 0: chosen by the system. */
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly hostname?: string;
  /** Gets what the app logs through its context, and the host's own words. Default: warnings and worse to stderr. */
  readonly log?: HostLog;
}

export interface LocalHost {
  readonly port: number;
  readonly url: string;
  /** Names, sorted as the host tries them. */
  readonly functions: readonly string[];
  /** Stops accepting, lets what runs end (8 s at most), runs the app-terminate hooks, closes. Within 10 s. */
  readonly close: () => Promise<void>;
}

/** Longer than any participant's URL (contract §1); Node's own limit is 16 KiB. */
const maxHeaderBytes = 32 * 1024;
/** The platform's default, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT. */
const defaultMaxBodyBytes = 100 * 1024 * 1024;
/** A whole upload may take this long; the platform bounds only its silences. */
const requestMilliseconds = 60 * 60 * 1000;
const keepAliveMilliseconds = 75_000;
/** Connections that wait to be accepted. The platform's front does not drop them in a burst, nor should we. */
const backlog = 4_096;
const drainMilliseconds = 8_000;
const stopMilliseconds = 9_500;

/**
 * Loads the app, then listens, then starts the timers.
 * @throws HostError with one clear message: the app does not start, a route is shadowed or reserved, a name is
 *   used twice, a trigger is unknown, the port is in use
 */
export async function startLocalHost(options: LocalHostOptions): Promise<LocalHost> {
  const bundle = resolve(options.bundle);
  const hostname = options.hostname ?? '127.0.0.1';
  const log = options.log ?? writeWarnings;
  if (!existsSync(bundle)) throw new HostError(`There is no app at ${bundle}; build it first.`);
  const routePrefix = readRoutePrefix(options.hostJson ?? findHostJson(bundle));

  const app = await loadApp(bundle, log);
  const { http, timed } = sortTriggers(app);
  const work = createWorkCounter();
  const timers = createTimers(app, timed, work, log);
  const front = createFront({
    app,
    functions: http,
    timers,
    routePrefix,
    maxBodyBytes: Number(process.env['FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'] ?? defaultMaxBodyBytes),
    work,
    log,
  });
  let stopping = false;
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      requestTimeout: requestMilliseconds,
      keepAliveTimeout: keepAliveMilliseconds,
    },
    (request, response) => {
      if (stopping) response.writeHead(503, { connection: 'close', 'content-length': 0 }).end();
      else front(request, response);
    },
  );
  await runAppHooks(app, 'appStart');
  try {
    await new Promise<void>((listening, failed) => {
      server.once('error', failed).listen({ port: options.port, host: hostname, backlog }, listening);
    });
  } catch (error) {
    await runAppHooks(app, 'appTerminate');
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new HostError(
      inUse
        ? `Port ${options.port} is in use on ${hostname}.`
        : `Cannot listen on ${hostname}:${options.port}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  timers.start();

  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const deadline = Date.now() + stopMilliseconds;
    stopping = true;
    timers.stop();
    server.close();
    if (!(await work.idle(drainMilliseconds))) log('warning', 'Not everything that ran has ended.');
    await within(deadline - Date.now(), runAppHooks(app, 'appTerminate')).catch((error: unknown) => {
      log('error', `An app-terminate hook failed: ${String(error)}`);
    });
    server.closeAllConnections();
  };
  let closed: Promise<void> | undefined;
  return {
    port,
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`,
    functions: app.functions.map(({ metadata }) => metadata.name).sort(compareNames),
    close: () => (closed ??= close()),
  };
}

function sortTriggers(app: LoadedApp): { http: HttpFunction[]; timed: TimerFunction[] } {
  const http: HttpFunction[] = [];
  const timed: TimerFunction[] = [];
  const names = new Set<string>();
  for (const registered of app.functions) {
    const { name, bindings } = registered.metadata;
    if (names.has(name.toUpperCase())) {
      throw new HostError(`Two functions are named ${name} (names ignore case).`);
    }
    names.add(name.toUpperCase());
    const found = Object.entries(bindings).find(([, { type }]) => type?.toLowerCase().endsWith('trigger'));
    const [binding, trigger] = found ?? ['', {}];
    const type = trigger.type?.toLowerCase();
    if (type === 'httptrigger') http.push(toHttpFunction(registered, binding, trigger));
    else if (type === 'timertrigger') timed.push(toTimerFunction(registered, binding, trigger));
    else throw new HostError(`Function ${name}: the local host runs HTTP and timer triggers, not ${type}.`);
  }
  return { http, timed };
}

function findHostJson(bundle: string): string {
  for (let folder = dirname(bundle); ; folder = dirname(folder)) {
    const file = join(folder, 'host.json');
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) throw new HostError(`There is no host.json above ${bundle}.`);
  }
}

/** `extensions.http.routePrefix`, which is `api` where nothing is said. */
function readRoutePrefix(file: string): string {
  try {
    const text = JSON.parse(readFileSync(file, 'utf8')) as {
      extensions?: { http?: { routePrefix?: string } };
    };
    return text.extensions?.http?.routePrefix ?? 'api';
  } catch (error) {
    throw new HostError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function writeWarnings(level: string, message: string): void {
  if (['warning', 'error', 'critical'].includes(level)) process.stderr.write(`[${level}] ${message}\n`);
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timeout = setTimeout(() => reject(new Error('it took too long')), Math.max(milliseconds, 0));
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timeout));
}
