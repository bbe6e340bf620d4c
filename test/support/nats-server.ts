// A real nats-server for a test: in a temporary directory, on a port chosen by the system, gone after stop()
// and also when the test process is killed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type NatsServer, startNatsServer as start } from '../../scripts/stack/nats-server';

export type { NatsServer } from '../../scripts/stack/nats-server';

export interface TestNatsServerOptions {
  /** Default: chosen by the system. */
  readonly port?: number;
  /** Default: a temporary directory that stop() removes. */
  readonly storeDir?: string;
  /** Configuration text added to infra/nats/nats.conf. */
  readonly config?: string;
}

export async function startNatsServer(options: TestNatsServerOptions = {}): Promise<NatsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'broker-nats-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  const server = await start({
    port: options.port ?? 0,
    storeDir: options.storeDir ?? join(directory, 'jetstream'),
    root: resolve(__dirname, '../..'),
    ...(options.config === undefined ? {} : { config: options.config }),
  }).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return new Proxy(server, {
    get: (target, name) =>
      name === 'stop' ? () => target.stop().then(remove) : (Reflect.get(target, name) as unknown),
  });
}
