// nats-server from the Debian archive, without root: the machine's own package sources with a newer suite in
// them, in a private directory of apt. apt verifies the archive's signature as always; nothing is installed.

import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { capture } from './child.mjs';
import { rewriteSources } from './nats-debian-sources.mjs';
import { isAtLeast } from './version.mjs';

// The next release, where packages have been tried for some days, before the newest.
const suites = ['forky', 'sid'];
const minimumVersion = '2.12';

/**
 * @param {string} root
 * @param {string} destination where the program is put
 * @param {(line: string) => void} say
 */
export async function fetchFromDebian(root, destination, say) {
  const codename = debianCodename();
  if (!codename) throw new Error('this machine is not Debian');
  const files = sourceFiles();
  const faults = [];
  for (const suite of suites) {
    const work = join(root, '.tools', `apt-${suite}`);
    rmSync(work, { recursive: true, force: true });
    try {
      const sources = rewriteSources(files, codename, suite);
      if (sources.length === 0) throw new Error('apt knows no Debian archive');
      say(`  asking the Debian archive for its suite ${suite} (about 10 MB) …`);
      await fetchFromSuite(work, sources, destination);
      return;
    } catch (error) {
      faults.push(`${suite}: ${/** @type {Error} */ (error).message}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  throw new Error(faults.join('; '));
}

/**
 * @param {string} work
 * @param {{name: string, text: string}[]} sources
 * @param {string} destination
 */
async function fetchFromSuite(work, sources, destination) {
  for (const directory of ['lists/partial', 'cache/archives/partial', 'sources', 'root']) {
    mkdirSync(join(work, directory), { recursive: true });
  }
  for (const { name, text } of sources) writeFileSync(join(work, 'sources', name), text);
  const options = [
    `Dir::Etc::sourcelist=/dev/null`,
    `Dir::Etc::sourceparts=${join(work, 'sources')}`,
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    // As root apt would otherwise download as a user who may not enter our directory.
    'APT::Sandbox::User=root',
    'APT::Update::Post-Invoke-Success::=true',
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false',
    'Acquire::Retries=1',
    'Acquire::http::Timeout=15',
    'Acquire::https::Timeout=15',
  ].flatMap((option) => ['-o', option]);
  const apt = async (/** @type {string} */ program, /** @type {string[]} */ ...args) => {
    const { code, output } = await capture(program, [...options, ...args], {
      cwd: work,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      timeoutSeconds: 120,
    });
    if (code !== 0)
      throw new Error(`${program} ${args.find((arg) => !arg.startsWith('-'))}: ${lastLine(output)}`);
    return output;
  };

  await apt('apt-get', '-q', 'update', '--error-on=any');
  const version = /Candidate:\s*(\S+)/.exec(await apt('apt-cache', 'policy', 'nats-server'))?.[1];
  if (!version || !isAtLeast(version, minimumVersion)) {
    throw new Error(`has nats-server ${version ?? '(none)'}, and ${minimumVersion} is needed`);
  }
  await apt('apt-get', '-q', 'download', 'nats-server');
  const [file] = readdirSync(work).filter((name) => name.endsWith('.deb'));
  if (!file) throw new Error('nothing was downloaded');
  const { code, output } = await capture('dpkg', ['-x', file, 'root'], { cwd: work });
  if (code !== 0) throw new Error(`dpkg: ${lastLine(output)}`);
  mkdirSync(dirname(destination), { recursive: true });
  renameSync(join(work, 'root', 'usr', 'sbin', 'nats-server'), destination);
}

/** @returns {string | undefined} the codename of this Debian */
function debianCodename() {
  if (!existsSync('/etc/os-release')) return undefined;
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (/** @type {string} */ name) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  return field('ID') === 'debian' ? (field('VERSION_CODENAME') ?? 'sid') : undefined;
}

/** @returns {{name: string, text: string}[]} apt's own source files */
function sourceFiles() {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name)) : [];
  return [
    ...(existsSync('/etc/apt/sources.list') ? [{ name: 'main.list', path: '/etc/apt/sources.list' }] : []),
    ...names.map((name) => ({ name, path: join(parts, name) })),
  ].map(({ name, path }) => ({ name, text: readFileSync(path, 'utf8') }));
}

/** @param {string} output @returns {string} */
function lastLine(output) {
  return output.trim().split('\n').at(-1) || 'failed without a word';
}
