// Finds or fetches nats-server ≥ 2.12 (batch direct get, design §3), in the order of design §11. Each place
// where it is not to be had is said in a line; the last line says what to install.

import { join } from 'node:path';
import { throwIfStopped } from './child.mjs';
import { LaunchError } from './launch-error.mjs';
import { withLock } from './lock.mjs';
import { fetchFromDebian } from './nats-debian.mjs';
import { fetchRelease, releaseVersion } from './nats-release.mjs';
import { faultOf, programsOnPath } from './program.mjs';

const minimumVersion = '2.12.0';

/**
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string>} path of the program
 */
export async function supplyNatsServer(root, say) {
  const set = process.env['NATS_SERVER_BINARY'];
  if (set) {
    const fault = await faultOf(set, minimumVersion);
    if (fault) throw new LaunchError(`NATS_SERVER_BINARY: ${fault}`);
    return set;
  }
  const installed = join(root, '.tools', 'bin', 'nats-server');
  for (const candidate of programsOnPath('nats-server')) {
    const fault = await faultOf(candidate, minimumVersion);
    if (!fault) return candidate;
    say(`nats-server on PATH is passed over: ${fault}`);
  }
  if (!(await faultOf(installed, minimumVersion))) return installed;
  return withLock(join(root, '.tools', 'install.lock'), say, async () => {
    if (!(await faultOf(installed, minimumVersion))) return installed;
    say('There is no nats-server yet: fetching one into .tools/ (once) …');
    for (const [source, fetchFrom] of /** @type {const} */ ([
      [`nats-server ${releaseVersion} from github.com`, fetchRelease],
      ['nats-server from the Debian archive', fetchFromDebian],
    ])) {
      try {
        await fetchFrom(root, installed, say);
        const fault = await faultOf(installed, minimumVersion);
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
