// The official nats-server release, pinned by version and digest.

import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { capture } from './child.mjs';

export const releaseVersion = '2.15.0';

// SHA-256 of nats-server-v2.15.0-<platform>.tar.gz as published in the release's SHA256SUMS.
const digests = {
  'linux-amd64': '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
  'linux-arm64': 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
  'darwin-amd64': '5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95',
  'darwin-arm64': 'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8',
};

const downloadMilliseconds = 120_000;

/**
 * @param {string} root
 * @param {string} destination where the program is put
 * @param {(line: string) => void} say
 */
export async function fetchRelease(root, destination, say) {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const digest = /** @type {Record<string, string>} */ (digests)[platform];
  if (!digest) throw new Error(`no release is known for ${platform}`);
  const name = `nats-server-v${releaseVersion}-${platform}`;
  const archive = await download(
    `https://github.com/nats-io/nats-server/releases/download/v${releaseVersion}/${name}.tar.gz`,
  );
  say(`  downloaded ${name}.tar.gz, ${(archive.byteLength / 1_048_576).toFixed(1)} MiB`);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== digest) throw new Error(`the digest of ${name}.tar.gz is ${actual}, not ${digest}: refused`);

  const work = mkdtempSync(join(root, '.tools', 'nats-'));
  try {
    writeFileSync(join(work, 'archive.tar.gz'), archive);
    const { code, output } = await capture('tar', ['-xzf', 'archive.tar.gz'], { cwd: work });
    if (code !== 0) throw new Error(`tar: ${output.trim()}`);
    mkdirSync(dirname(destination), { recursive: true });
    chmodSync(join(work, name, 'nats-server'), 0o755);
    renameSync(join(work, name, 'nats-server'), destination);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * fetch gives a connection 10 s; where there is no way to the address it fails at once.
 * @param {string} url
 * @returns {Promise<Buffer>}
 */
async function download(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(downloadMilliseconds) });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const { message, cause } = /** @type {Error} */ (error);
    throw new Error(cause instanceof Error ? cause.message : message, { cause: error });
  }
}
