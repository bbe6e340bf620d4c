// Finds or fetches nats-server ≥ 2.12 (batch direct get, design §3), in the order of design §11. Each place
// where it is not to be had is said in a line; the last line says what to install.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { capture, throwIfStopped } from './child.mjs';
import { LaunchError } from './launch-error.mjs';
import { withLock } from './lock.mjs';
import { fetchFromDebian } from './nats-debian.mjs';
import { fetchRelease, releaseVersion } from './nats-release.mjs';
import { isAtLeast } from './version.mjs';

const minimumVersion = '2.12.0';

/**
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string>} path of the program
 */
export async function supplyNatsServer(root, say) {
  const set = process.env['NATS_SERVER_BINARY'];
  if (set) {
    const fault = await faultOf(set);
    if (fault) throw new LaunchError(`NATS_SERVER_BINARY: ${fault}`);
    return set;
  }
  const installed = join(root, '.tools', 'bin', 'nats-server');
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(directory, 'nats-server');
    if (!directory || !existsSync(candidate)) continue;
    const fault = await faultOf(candidate);
    if (!fault) return candidate;
    say(`nats-server on PATH is passed over: ${fault}`);
  }
  if (!(await faultOf(installed))) return installed;
  return withLock(join(root, '.tools', 'install.lock'), say, async () => {
    if (!(await faultOf(installed))) return installed;
    say('There is no nats-server yet: fetching one into .tools/ (once) …');
    for (const [source, fetchFrom] of /** @type {const} */ ([
      [`nats-server ${releaseVersion} from github.com`, fetchRelease],
      ['nats-server from the Debian archive', fetchFromDebian],
    ])) {
      try {
        await fetchFrom(root, installed, say);
        const fault = await faultOf(installed);
        if (!fault) {
          say(`  ${source}: installed in .tools/bin.`);
          return installed;
        }
        say(`  ${source}: ${fault}`);
      } catch (error) {
        throwIfStopped();
        say(`  ${source}: ${/** @type {Error} */ (error).message}`);
      }
    }
    throw new LaunchError(
      `nats-server could not be fetched. Install nats-server ${minimumVersion} or newer (https://nats.io/download) on PATH, or name it in NATS_SERVER_BINARY.`,
    );
  });
}

/**
 * @param {string} program
 * @returns {Promise<string | undefined>} why it cannot be used
 */
async function faultOf(program) {
  if (!existsSync(program)) return `there is no file ${program}`;
  const { code, output } = await capture(program, ['--version'], { timeoutSeconds: 10 });
  const version = /v(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (code !== 0 || !version) return `${program} does not run`;
  return isAtLeast(version, minimumVersion)
    ? undefined
    : `${program} is ${version}, older than ${minimumVersion}`;
}
