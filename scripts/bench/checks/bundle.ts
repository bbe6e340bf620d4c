// What a cold start pays for: the size of the bundle, the time it takes to load, and that nothing is opened on the
// network meanwhile.

import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bench } from '../bench';
import { Child } from '../child';
import type { LoadAppReply, LoadAppRequest } from '../processes/load-app';
import { median } from '../statistics';
import type { Check } from '../suite';

const loads = 5;

export const bundle: Check = {
  name: 'bundle',
  measure: async (bench) => {
    const size = await sizeOfApp(dirname(bench.bundle));
    const replies: LoadAppReply[] = [];
    for (let load = 0; load < loads; load++) replies.push(await loadOnce(bench));
    return [
      { title: 'size of the bundles', value: size / 1e6, unit: 'MB', limit: 3.5 },
      {
        title: `time to load it (median of ${loads})`,
        value: median(replies.map(({ milliseconds }) => milliseconds)),
        unit: 'ms',
        limit: 150,
      },
      {
        title: 'connections opened while it loads',
        value: Math.max(...replies.map(({ connectionsOpened }) => connectionsOpened)),
        unit: '',
        limit: 0,
      },
    ];
  },
};

/** Of the bundle, and of those that it loads at the first use of a store. Unit: bytes. */
async function sizeOfApp(directory: string): Promise<number> {
  const bundles = (await readdir(directory)).filter((name) => name.endsWith('.js'));
  const sizes = await Promise.all(bundles.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function loadOnce(bench: Bench): Promise<LoadAppReply> {
  const child = new Child<LoadAppRequest, LoadAppReply>('load-app', bench.settings);
  try {
    return await child.call({ bundle: bench.bundle });
  } finally {
    await child.stop();
  }
}
