// Starts Azurite's blob service, on disk and on 127.0.0.1, and says when it listens.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuardedProcess, spawnGuarded } from './guarded-process';

export interface AzuriteOptions {
  /** 0: chosen by the system. */
  readonly port: number;
  /** Where blobs and their index are kept. Made when missing. */
  readonly location: string;
  /** Directory of the repository; default: the working directory. */
  readonly root?: string;
  /** Files of a certificate and its key: it speaks https and takes Entra tokens (unverified) besides its key. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface Azurite {
  readonly port: number;
  readonly url: string;
  /** For BLOB_CONNECTION_STRING. */
  readonly connectionString: string;
  readonly process: GuardedProcess;
  readonly stop: () => Promise<void>;
}

// Azurite's documented development account; it is the same everywhere and opens nothing but Azurite.
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const readyMilliseconds = 30_000;

/** @throws Error with its last lines when it does not listen within 30 s */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const { tls, root = process.cwd() } = options;
  const scheme = tls ? 'https' : 'http';
  await mkdir(options.location, { recursive: true });
  const listening = Promise.withResolvers<number>();
  const child = await spawnGuarded(
    process.execPath,
    [
      join(root, 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js'),
      ...['--blobHost', '127.0.0.1', '--blobPort', String(options.port)],
      ...['--location', options.location],
      // The SDK may speak a newer version of the service's API than Azurite knows by name.
      ...['--skipApiVersionCheck', '--disableTelemetry', '--silent'],
      ...(tls ? ['--oauth', 'basic', '--cert', tls.certificate, '--key', tls.key] : []),
    ],
    {
      onLine: (line) => {
        const port = /successfully listen\w* (?:at|on) https?:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        if (port !== undefined) listening.resolve(Number(port));
      },
    },
  );
  const timer = setTimeout(() => {
    listening.reject(new Error(`Azurite did not start: ${child.tail()}`));
  }, readyMilliseconds);
  void child.exited.then(() => {
    const inUse = child.tail().includes('EADDRINUSE');
    listening.reject(
      new Error(inUse ? `Azurite's port ${options.port} is in use` : `Azurite ended: ${child.tail()}`),
    );
  });
  try {
    const port = await listening.promise;
    return {
      port,
      url: `${scheme}://127.0.0.1:${port}/${account}`,
      connectionString: azuriteConnectionString(port),
      process: child,
      stop: () => child.stop(),
    };
  } catch (error) {
    await child.stop(0);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The connection string of an Azurite blob service on 127.0.0.1. */
export function azuriteConnectionString(port: number): string {
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${account}`,
    `AccountKey=${accountKey}`,
    `BlobEndpoint=http://127.0.0.1:${port}/${account}`,
  ].join(';');
}
