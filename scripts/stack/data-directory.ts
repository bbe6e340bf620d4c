// The directory that keeps everything of a local broker between runs. One run has it at a time: an SQLite lock
// says so, which the system releases however that run ends.

import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

export interface DataDirectory {
  readonly path: string;
  /** Notes the processes that work in it, for the run after this one. */
  readonly notePids: (pids: readonly number[]) => void;
  readonly release: () => void;
}

const defaultDirectory = '.local';
const childrenEndMilliseconds = 10_000;

/**
 * Takes a directory for this run. Without a name: `.local`, or `.local/2`, `.local/3`, … while others have that.
 * @throws Error in one line when it cannot be written or another run has it
 */
export async function takeDataDirectory(named: string | undefined): Promise<DataDirectory> {
  if (named !== undefined) {
    const taken = tryTake(resolve(named));
    if (!taken)
      throw new Error(`the data directory ${named} is in use by another run: name another with --data`);
    return afterEarlierChildren(taken);
  }
  for (let number = 1; ; number++) {
    const taken = tryTake(resolve(number === 1 ? defaultDirectory : join(defaultDirectory, String(number))));
    if (taken) return afterEarlierChildren(taken);
  }
}

function tryTake(path: string): DataDirectory | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`the data directory ${path} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const lock = openLock(path);
  if (!lock) return undefined;
  return {
    path,
    notePids: (pids) => {
      writeFileSync(join(path, 'pids.json'), JSON.stringify(pids));
    },
    release: () => {
      lock.close();
    },
  };
}

function openLock(path: string): DatabaseSync | undefined {
  let lock: DatabaseSync;
  try {
    lock = new DatabaseSync(join(path, 'lock.sqlite'));
  } catch (error) {
    throw new Error(`the data directory ${path} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    // SQLITE_BUSY
    if ((error as { errcode?: number }).errcode === 5) return undefined;
    throw new Error(`the data directory ${path} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** The servers of a run that was killed need a moment to end; two on one store would spoil it. */
async function afterEarlierChildren(directory: DataDirectory): Promise<DataDirectory> {
  const file = join(directory.path, 'pids.json');
  const pids = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as number[]) : [];
  const deadline = Date.now() + childrenEndMilliseconds;
  while (pids.some((pid) => works(pid, directory.path))) {
    if (Date.now() > deadline) {
      directory.release();
      throw new Error(`a server of an earlier run still works in ${directory.path}: ${pids.join(', ')}`);
    }
    await delay(50);
  }
  return directory;
}

/** Whether the process lives and has the directory on its command line, where that can be read. */
function works(pid: number, directory: string): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
  } catch {
    return false;
  }
}
