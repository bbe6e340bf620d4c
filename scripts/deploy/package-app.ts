// The package of the function app, dist/package: the bundle, what it loads at run time, and nothing else.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Packages that the bundle loads from node_modules (scripts/build.mjs leaves them out). */
const unbundled = ['libxml2-wasm'];

/** What scripts/build.mjs and this file put into dist/ and the app does not need. */
const ofDevelopers = new Set(['scripts', 'deploy', 'package', 'package.zip', '.build-stamp']);

/** @returns the directory */
export function packageApp(root: string): string {
  const target = join(root, 'dist', 'package');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'dist'), { recursive: true });
  cpSync(join(root, 'host.json'), join(target, 'host.json'));
  for (const name of readdirSync(join(root, 'dist')).filter((entry) => !ofDevelopers.has(entry))) {
    cpSync(join(root, 'dist', name), join(target, 'dist', name), { recursive: true });
  }
  // For brokers to try: a setting (ROLES_FILE) decides whether it is used.
  cpSync(join(root, 'scripts', 'roles.sample.json'), join(target, 'roles.sample.json'));
  for (const name of unbundled) {
    const from = join(root, 'node_modules', name);
    if (existsSync(from)) cpSync(from, join(target, 'node_modules', name), { recursive: true });
  }
  const { name, version, type, main } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Readonly<Record<string, string>>;
  writeFileSync(
    join(target, 'package.json'),
    JSON.stringify({ name, version, private: true, type, main }, null, 2),
  );
  return target;
}
