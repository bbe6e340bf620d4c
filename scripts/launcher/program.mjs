// Programs that are not npm packages: where they may lie, and whether one that lies there is of use.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { capture } from './child.mjs';
import { isAtLeast } from './version.mjs';

/**
 * @param {string} name
 * @returns {string[]} the programs of that name on PATH
 */
export function programsOnPath(name) {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, name))
    .filter((candidate) => existsSync(candidate));
}

/**
 * @param {string} program
 * @param {string} minimumVersion
 * @returns {Promise<string | undefined>} why it cannot be used
 */
export async function faultOf(program, minimumVersion) {
  if (!existsSync(program)) return `there is no file ${program}`;
  const { code, output } = await capture(program, ['--version'], { timeoutSeconds: 10 });
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (code !== 0 || !version) return `${program} does not run`;
  return isAtLeast(version, minimumVersion)
    ? undefined
    : `${program} is ${version}, older than ${minimumVersion}`;
}
