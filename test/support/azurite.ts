// A real Azurite blob service for a test: in a temporary directory, on a port chosen by the system, gone after
// stop() and also when the test process is killed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Azurite, startAzurite as start } from '../../scripts/stack/azurite';

export type { Azurite } from '../../scripts/stack/azurite';

export async function startAzurite(): Promise<Azurite> {
  const location = await mkdtemp(join(tmpdir(), 'broker-azurite-'));
  const azurite = await start({ port: 0, location, root: resolve(__dirname, '../..') });
  return {
    ...azurite,
    stop: async () => {
      await azurite.stop();
      await rm(location, { recursive: true, force: true });
    },
  };
}
