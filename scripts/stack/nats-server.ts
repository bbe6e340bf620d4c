// Starts a real nats-server with JetStream from infra/nats/nats.conf, on 127.0.0.1, and says when it answers.

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Exit, type GuardedProcess, spawnGuarded } from './guarded-process';

/** Configuration that switches monitoring on, on a port chosen by the system. */
export const monitored = 'http: "127.0.0.1:-1"';

/** The program that the launcher found. */
export const natsServerBinary = (root = process.cwd()): string =>
  process.env['NATS_SERVER_BINARY'] ?? join(root, '.tools', 'bin', 'nats-server');

export interface NatsServerOptions {
  /** Program file; default: NATS_SERVER_BINARY, else `.tools/bin/nats-server` in the repository. */
  readonly binary?: string;
  /** 0: chosen by the system. */
  readonly port: number;
  /** Where streams and buckets are kept; its parent also takes the configuration. Made when missing. */
  readonly storeDir: string;
  /** Configuration text added to the shared one; repeats of a key override it. */
  readonly config?: string;
  /** Directory of the repository; default: the working directory. */
  readonly root?: string;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Process id, another one after `restart`. */
  readonly pid: number;
  readonly storeDir: string;
  /** Address of its monitoring endpoints, another one after `restart`. @throws Error when it was started without `monitored` */
  readonly monitorUrl: () => Promise<string>;
  /** The last lines of its log. */
  readonly tail: () => string;
  /** Settles when the current process has ended. */
  readonly exited: () => Promise<Exit>;
  readonly stop: () => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
  /** Starts it again on the same port and store, after stopping it if it still runs. */
  readonly restart: () => Promise<void>;
}

const readyMilliseconds = 20_000;

/** @throws Error with the server's last log lines when it does not answer within 20 s */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const root = options.root ?? process.cwd();
  const binary = options.binary ?? natsServerBinary(root);
  if (!existsSync(binary))
    throw new Error(`there is no nats-server at ${binary}: npm start or npm test fetches it`);
  const runDir = `${options.storeDir}.run`;
  await mkdir(options.storeDir, { recursive: true });
  await mkdir(runDir, { recursive: true });
  const shared = await readFile(join(root, 'infra', 'nats', 'nats.conf'), 'utf8');
  const configFile = join(runDir, 'nats.conf');
  await writeFile(configFile, `${shared}\n${options.config ?? ''}\n`);

  const launch = async (port: number) => {
    await removePortsFiles(runDir);
    const child = await spawnGuarded(binary, [
      ...['--config', configFile],
      ...['--addr', '127.0.0.1', '--port', String(port === 0 ? -1 : port)],
      ...['--store_dir', options.storeDir],
      ...['--ports_file_dir', runDir],
    ]);
    try {
      return { child, port: await waitUntilReady(child, runDir) };
    } catch (error) {
      await child.stop(0);
      throw error;
    }
  };

  let { child, port } = await launch(options.port);
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get pid() {
      return child.pid;
    },
    storeDir: options.storeDir,
    monitorUrl: () => monitorUrlOf(runDir, child.pid),
    tail: () => child.tail(),
    exited: () => child.exited,
    stop: () => child.stop(),
    kill: (signal) => child.kill(signal),
    restart: async () => {
      await child.stop();
      ({ child, port } = await launch(port));
    },
  };
}

/** The port it listens on, once it greets a client with JetStream enabled. */
async function waitUntilReady(child: GuardedProcess, runDir: string): Promise<number> {
  const state = { ended: false };
  void child.exited.then(() => {
    state.ended = true;
  });
  const deadline = Date.now() + readyMilliseconds;
  while (!state.ended && Date.now() < deadline) {
    const port = await readPort(join(runDir, `nats-server_${child.pid}.ports`));
    if (port !== undefined && (await greetsWithJetStream(port))) return port;
    await delay(10);
  }
  const lines = child.tail();
  const reason = lines.includes('address already in use') ? 'its port is in use' : lines;
  throw new Error(`nats-server ${state.ended ? 'ended' : 'did not answer'}: ${reason}`);
}

async function readPort(portsFile: string): Promise<number | undefined> {
  try {
    const { nats } = JSON.parse(await readFile(portsFile, 'utf8')) as { nats?: string[] };
    const port = Number(URL.parse(nats?.[0] ?? '')?.port);
    return port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

async function monitorUrlOf(runDir: string, pid: number): Promise<string> {
  const text = await readFile(join(runDir, `nats-server_${pid}.ports`), 'utf8');
  const [url] = (JSON.parse(text) as { monitoring?: readonly string[] }).monitoring ?? [];
  if (url === undefined) throw new Error('nats-server was started without monitoring');
  return url;
}

/** The server's first line is `INFO {…}`. */
function greetsWithJetStream(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1_000, () => {
      finish(false);
    });
    socket.once('error', () => {
      finish(false);
    });
    socket.once('data', (greeting) => {
      finish(greeting.toString('utf8').includes('"jetstream":true'));
    });
  });
}

/** A killed server leaves its ports file; a later process may get the same id. */
async function removePortsFiles(runDir: string): Promise<void> {
  const names = await readdir(runDir);
  await Promise.all(
    names.filter((name) => name.endsWith('.ports')).map((name) => rm(join(runDir, name), { force: true })),
  );
}
