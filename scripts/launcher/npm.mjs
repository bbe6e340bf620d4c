// Finds npm's own program file, so that it runs under the node we choose.

import { existsSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { LaunchError } from './launch-error.mjs';
import { capture, throwIfStopped } from './child.mjs';

/**
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {string} path of npm-cli.js
 */
export function findNpm(environment = process.env) {
  const bin = dirname(process.execPath);
  const candidates = [
    environment['npm_execpath'],
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...(environment['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'npm')),
  ];
  for (const candidate of candidates) {
    if (!candidate || !existsSync(candidate)) continue;
    const file = realpathSync(candidate);
    // npm_execpath may be another package manager, and `npm` on PATH a shell script.
    if (basename(file) === 'npm-cli.js') return file;
  }
  throw new LaunchError('npm was not found beside node: install Node.js from https://nodejs.org with npm.');
}

/**
 * Runs `npm ci` in a directory.
 * @param {string} node
 * @param {string} directory
 * @returns {Promise<void>}
 */
export async function npmCi(node, directory) {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await capture(node, [findNpm(), ...args], {
    cwd: directory,
    env: withoutNpmsOwn(process.env),
  });
  throwIfStopped();
  if (code !== 0) {
    throw new LaunchError(`npm ci failed in ${directory}:\n${output.trim()}`, code > 0 ? code : 1);
  }
}

/**
 * What an outer npm tells its scripts would confuse an inner one; what the user configured stays.
 * @param {NodeJS.ProcessEnv} environment
 */
function withoutNpmsOwn(environment) {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) =>
        !/^(npm_(lifecycle|package)_|npm_command$|npm_config_(local_)?prefix$|INIT_CWD$)/i.test(name),
    ),
  );
}
