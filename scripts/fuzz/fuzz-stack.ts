// The broker of a fuzz run: the built app in the local host on NATS, Azurite and SQLite of its own, in a temporary
// directory, and what its process holds.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAzurite } from '../stack/azurite';
import type { BrokerProcess } from '../stack/broker-process';
import { createLocalKeys } from '../stack/local-keys';
import { migrateTopicStore } from '../stack/migrate-topic-store';
import { startNatsServer } from '../stack/nats-server';
import { type ProcessHoldings, startProbedBroker } from './holdings';

export interface Holdings extends ProcessHoldings {
  /** Open connections to NATS, as the server has it. */
  readonly natsConnections: number;
}

export interface FuzzStack {
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Lines that the broker has logged. */
  readonly logLines: readonly string[];
  readonly broker: BrokerProcess;
  /** @throws Error when the broker does not say */
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
    const { broker, holdings: ofProcess } = await startProbedBroker({
      ...{ port: 0, root, settings },
      onLine: (line) => {
        if (logLines.length < maxLogLines) logLines.push(line);
      },
    });
    stops.push(() => broker.stop());
    const holdings = async (): Promise<Holdings> => {
      const portsFile = join(`${nats.storeDir}.run`, `nats-server_${nats.pid}.ports`);
      return { ...(await ofProcess()), natsConnections: await connectionsOf(portsFile) };
    };
    return { url: broker.url, settings, logLines, broker, holdings, stop };
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
