// Builds the app before a command that runs it, one run at a time.

import { join } from 'node:path';
import { capture, throwIfStopped } from './child.mjs';
import { LaunchError } from './launch-error.mjs';
import { withLock } from './lock.mjs';

/**
 * @param {string} root
 * @param {string} node
 * @param {(line: string) => void} say
 */
export async function buildApp(root, node, say) {
  await withLock(join(root, '.tools', 'install.lock'), say, async () => {
    const startedAt = Date.now();
    const { code, output } = await capture(node, ['scripts/build.mjs'], { cwd: root });
    throwIfStopped();
    if (code !== 0) throw new LaunchError(`The build failed:\n${output.trim()}`);
    say(`Built in ${((Date.now() - startedAt) / 1_000).toFixed(1)} s.`);
  });
}
