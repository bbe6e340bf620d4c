// The broker as a process of its own: the built app in the local host, with the settings of a local stack.

import { join } from 'node:path';
import { type Exit, spawnGuarded } from './guarded-process';
import { workerArguments } from './worker-arguments';

export interface BrokerProcessOptions {
  /** 0: chosen by the system. */
  readonly port: number;
  /** Settings, on top of our own environment. */
  readonly settings: Readonly<Record<string, string>>;
  /** Gets every line that the broker logs once it is ready; before, they are the failure's text. */
  readonly onLine?: (line: string) => void;
  /** Directory of the built repository; default: the working directory. */
  readonly root?: string;
}

export interface BrokerProcess {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Lets running requests end, for at most `graceMilliseconds` (default 8,000). */
  readonly stop: (graceMilliseconds?: number) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
  /** The last lines that it wrote. */
  readonly tail: () => string;
}

const readyMilliseconds = 30_000;

/** @throws Error with the broker's own last lines when it does not get ready within 30 s */
export async function startBrokerProcess(options: BrokerProcessOptions): Promise<BrokerProcess> {
  const root = options.root ?? process.cwd();
  let isReady = false;
  const ready = Promise.withResolvers<string>();
  const child = await spawnGuarded(
    process.execPath,
    [
      ...workerArguments,
      '--enable-source-maps',
      '--disable-warning=ExperimentalWarning',
      join(root, 'dist', 'scripts', 'local-host.js'),
      ...['--bundle', join(root, 'dist', 'main.js'), '--port', String(options.port)],
    ],
    {
      cwd: root,
      environment: { ...process.env, ...options.settings },
      onLine: (line) => {
        const url = /^ready (http:\S+)$/.exec(line)?.[1];
        if (isReady) options.onLine?.(line);
        else if (url !== undefined) {
          isReady = true;
          ready.resolve(url);
        }
      },
    },
  );
  const timer = setTimeout(() => {
    ready.reject(new Error(`the broker did not get ready: ${child.tail()}`));
  }, readyMilliseconds);
  void child.exited.then(() => {
    ready.reject(new Error(`the broker did not start: ${child.tail()}`));
  });
  try {
    const url = await ready.promise;
    return {
      url,
      pid: child.pid,
      exited: child.exited,
      stop: (graceMilliseconds = 8_000) => child.stop(graceMilliseconds),
      kill: child.kill,
      tail: child.tail,
    };
  } catch (error) {
    await child.stop(0);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
