// Runs `npm ci` when the lockfile is not the one that node_modules was made from.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { npmCi } from './npm.mjs';

/**
 * @param {string} root
 * @param {string} node
 * @param {(line: string) => void} say
 */
export async function installPackages(root, node, say) {
  const stampFile = join(root, 'node_modules', '.lockfile-stamp');
  // Some packages bring programs for one platform.
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');
  const isInstalled = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted;
  if (isInstalled()) return;
  await withLock(join(root, '.tools', 'install.lock'), say, async () => {
    if (isInstalled()) return;
    const startedAt = Date.now();
    const seconds = () => Math.round((Date.now() - startedAt) / 1_000);
    say('Installing packages (npm ci) …');
    const progress = setInterval(() => {
      say(`  … still installing packages, ${seconds()} s`);
    }, 10_000);
    try {
      await npmCi(node, root);
    } finally {
      clearInterval(progress);
    }
    writeFileSync(stampFile, wanted);
    say(`Packages installed in ${seconds()} s.`);
  });
}
