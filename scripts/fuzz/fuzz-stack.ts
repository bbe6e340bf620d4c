// The broker of a fuzz run: the built app in the local host on NATS, Azurite and SQLite of its own, in a temporary
// directory, and what its process holds.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAzurite } from '../stack/azurite';
import type { BrokerProcess } from '../stack/broker-process';
import { monitored, startNatsServer } from '../stack/nats-server';
import { startTemporaryStack } from '../stack/temporary-stack';
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
export function startFuzzStack(
  roles: Readonly<Record<string, readonly string[]>>,
  root = process.cwd(),
): Promise<FuzzStack> {
  return startTemporaryStack('fuzz', async ({ directory, keep, brokerSettings, stop }) => {
    const nats = await keep(
      startNatsServer({ port: 0, root, storeDir: join(directory, 'nats'), config: monitored }),
      (server) => server.stop(),
    );
    const azurite = await keep(startAzurite({ port: 0, root, location: join(directory, 'blob') }), (one) =>
      one.stop(),
    );
    const rolesFile = join(directory, 'roles.json');
    await writeFile(rolesFile, JSON.stringify(roles));
    const settings = await brokerSettings({
      NATS_SERVERS: nats.url,
      BLOB_CONNECTION_STRING: azurite.connectionString,
      ROLES_FILE: rolesFile,
      SHARD_COUNT: '2',
      LOG_LEVEL: 'info',
      ACCESS_TOKEN_SECONDS: '86400',
    });
    const logLines: string[] = [];
    const { broker, holdings: ofProcess } = await keep(
      startProbedBroker({
        ...{ port: 0, root, settings },
        onLine: (line) => {
          if (logLines.length < maxLogLines) logLines.push(line);
        },
      }),
      (probed) => probed.broker.stop(),
    );
    const holdings = async (): Promise<Holdings> => ({
      ...(await ofProcess()),
      natsConnections: await connectionsOf(await nats.monitorUrl()),
    });
    return { url: broker.url, settings, logLines, broker, holdings, stop };
  });
}

async function connectionsOf(monitorUrl: string): Promise<number> {
  const response = await fetch(new URL('/varz', monitorUrl));
  return ((await response.json()) as { connections: number }).connections;
}
