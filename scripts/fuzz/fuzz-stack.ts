// The broker of a fuzz run: the built app in the local host on NATS, Azurite and SQLite of its own, in a temporary
// directory, and what its process holds.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startAzurite } from '../stack/azurite';
import { startBrokerProcess } from '../stack/broker-process';
import { createLocalKeys } from '../stack/local-keys';
import { migrateTopicStore } from '../stack/migrate-topic-store';
import { startNatsServer } from '../stack/nats-server';

/** What a process holds while it does nothing. */
export interface Holdings {
  /** After a full garbage collection. */
  readonly heapBytes: number;
  /** Sockets, servers, files, threads and the like. */
  readonly handles: number;
  /** Open connections to NATS, as the server has it. */
  readonly natsConnections: number;
}

export interface FuzzStack {
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Lines that the broker has logged. */
  readonly logLines: readonly string[];
  readonly holdings: () => Promise<Holdings>;
  readonly stop: () => Promise<void>;
}

/** Lines of a broker's log that are kept. */
const maxLogLines = 20_000;

/** @param roles roles by DID @param root directory of the built repository */
export async function startFuzzStack(
  roles: Readonly<Record<string, readonly string[]>>,
  root = process.cwd(),
): Promise<FuzzStack> {
  const directory = await mkdtemp(join(tmpdir(), 'broker-fuzz-'));
  const stops: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  try {
    const nats = await startNatsServer({
      ...{ port: 0, root, storeDir: join(directory, 'nats') },
      config: 'http: "127.0.0.1:-1"',
    });
    stops.push(nats.stop);
    const azurite = await startAzurite({ port: 0, root, location: join(directory, 'blob') });
    stops.push(azurite.stop);
    const rolesFile = join(directory, 'roles.json');
    await writeFile(rolesFile, JSON.stringify(roles));
    const keys = createLocalKeys();
    const settings = {
      NATS_SERVERS: nats.url,
      BLOB_CONNECTION_STRING: azurite.connectionString,
      SQLITE_FILE: join(directory, 'topics.sqlite'),
      TOKEN_SIGNING_KEY: keys.tokenSigningKey,
      MESSAGE_ID_KEY: keys.messageIdKey,
      ROLES_FILE: rolesFile,
      SHARD_COUNT: '2',
      LOG_LEVEL: 'info',
      ACCESS_TOKEN_SECONDS: '86400',
    };
    await migrateTopicStore(settings, () => undefined);
    const logLines: string[] = [];
    const probes: ((line: string) => void)[] = [];
    const probe = pathToFileURL(resolve(root, 'scripts', 'fuzz', 'probe.mjs')).href;
    const broker = await startBrokerProcess({
      ...{ port: 0, root },
      settings: { ...settings, NODE_OPTIONS: `--expose-gc --import=${probe}` },
      onLine: (line) => {
        if (line.startsWith('probe ')) probes.shift()?.(line);
        else if (logLines.length < maxLogLines) logLines.push(line);
      },
    });
    stops.push(() => broker.stop());
    const held = async (): Promise<Holdings> => {
      const line = await new Promise<string>((answer) => {
        probes.push(answer);
        process.kill(broker.pid, 'SIGUSR2');
      });
      const { heapBytes, handles } = JSON.parse(line.slice('probe '.length)) as Holdings;
      const portsFile = join(`${nats.storeDir}.run`, `nats-server_${nats.pid}.ports`);
      return { heapBytes, handles, natsConnections: await connectionsOf(portsFile) };
    };
    return { url: broker.url, settings, logLines, holdings: held, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connectionsOf(portsFile: string): Promise<number> {
  const { monitoring } = JSON.parse(await readFile(portsFile, 'utf8')) as { monitoring: string[] };
  const response = await fetch(new URL('/varz', monitoring[0]));
  return ((await response.json()) as { connections: number }).connections;
}
