// A key pair in a file that only its owner can read, for participants on a developer's machine.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createKeyPair, keyPairOf, type KeyPair } from './key-pair';

/**
 * The key pair in `file`, made there if there is none.
 * @throws Error when the file holds no key
 */
export async function readOrCreateKeyFile(file: string): Promise<KeyPair> {
  return (await readKeyFile(file)) ?? writeKeyFile(file, createKeyPair());
}

/** The key pair in `file`; undefined when there is no such file. */
export async function readKeyFile(file: string): Promise<KeyPair | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return keyPairOf((JSON.parse(text) as KeyPair).privateKey);
  } catch (error) {
    throw new Error(`${file} holds no key pair`, { cause: error });
  }
}

/** Never overwrites: a key that is lost cannot be made again. Who comes second gets the key of who came first. */
export async function writeKeyFile(file: string, key: KeyPair): Promise<KeyPair> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, `${JSON.stringify(key, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
    return key;
  } catch (error) {
    const existing = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await readKeyFile(file) : undefined;
    if (existing) return existing;
    throw error;
  }
}
