// NATS and Azurite in a data directory, and the settings with which a broker finds them. A server that dies is
// started again on its port.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Azurite, startAzurite } from './azurite';
import type { Exit } from './guarded-process';
import { type NatsServer, startNatsServer } from './nats-server';

export interface LocalStackOptions {
  readonly dataDirectory: string;
  /** 0: chosen by the system. undefined: not started, the environment names another server. */
  readonly natsPort: number | undefined;
  readonly blobPort: number | undefined;
  /** Gets a line when a server died or is back. */
  readonly say: (line: string) => void;
  /** Gets the ids of the running servers whenever they change. */
  readonly onPids?: (pids: readonly number[]) => void;
  /** Called when a server cannot be brought back. */
  readonly onFailure: (error: Error) => void;
}

export interface LocalStack {
  readonly nats: NatsServer | undefined;
  readonly azurite: Azurite | undefined;
  /** NATS_SERVERS and BLOB_CONNECTION_STRING of the servers that run. */
  readonly settings: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

const restartAttempts = 5;
const restartDelayMilliseconds = 200;

export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { dataDirectory, say } = options;
  const state = { stopping: false };
  const nats =
    options.natsPort === undefined
      ? undefined
      : await startNatsServer({ port: options.natsPort, storeDir: join(dataDirectory, 'nats') });
  let azurite: Azurite | undefined;
  const location = join(dataDirectory, 'blob');
  try {
    azurite =
      options.blobPort === undefined ? undefined : await startAzurite({ port: options.blobPort, location });
  } catch (error) {
    await nats?.stop();
    throw error;
  }
  const notePids = () =>
    options.onPids?.([nats?.pid, azurite?.process.pid].filter((pid) => pid !== undefined));
  notePids();

  /** Ends when the stack stops. */
  const keepUp = async (name: string, exited: () => Promise<Exit>, restart: () => Promise<void>) => {
    for (;;) {
      const { code, signal } = await exited();
      if (state.stopping) return;
      say(`${name} ended (${signal ?? `exit code ${code ?? '?'}`}): starting it again`);
      await restartPatiently(name, restart);
      notePids();
      say(`${name} is back`);
    }
  };
  const restartPatiently = async (name: string, restart: () => Promise<void>) => {
    for (let attempt = 1; ; attempt++) {
      try {
        await restart();
        return;
      } catch (error) {
        if (state.stopping) return;
        if (attempt === restartAttempts) {
          throw new Error(`${name} cannot be started again: ${(error as Error).message}`, { cause: error });
        }
        await delay(restartDelayMilliseconds);
      }
    }
  };
  if (nats) void keepUp('nats-server', nats.exited, nats.restart).catch(options.onFailure);
  if (azurite) {
    const { port } = azurite;
    void keepUp(
      'Azurite',
      () => azurite?.process.exited ?? Promise.reject(new Error('unreachable')),
      async () => {
        azurite = await startAzurite({ port, location });
      },
    ).catch(options.onFailure);
  }
  return {
    nats,
    azurite,
    settings: {
      ...(nats ? { NATS_SERVERS: nats.url } : {}),
      ...(azurite ? { BLOB_CONNECTION_STRING: azurite.connectionString } : {}),
    },
    stop: async () => {
      state.stopping = true;
      await Promise.all([nats?.stop(), azurite?.stop()]);
    },
  };
}
