// A lock between runs on one clone: a directory, because making one is atomic everywhere. Its owner touches it
// while it works; a lock whose owner died, or that nobody has touched for a minute, is taken over.

import { mkdirSync, readFileSync, rmSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfStopped } from './child.mjs';

const heartbeatMilliseconds = 5_000;
const silenceMilliseconds = 60_000;

/**
 * @template T
 * @param {string} directory
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(directory, say, work) {
  mkdirSync(dirname(directory), { recursive: true });
  let announced = false;
  while (!tryMake(directory)) {
    throwIfStopped();
    if (isAbandoned(directory)) takeOver(directory);
    else {
      if (!announced) say('Waiting for another run that is installing or building in this clone …');
      announced = true;
      await delay(200);
    }
  }
  const heartbeat = setInterval(() => {
    utimesSync(directory, new Date(), new Date());
  }, heartbeatMilliseconds);
  try {
    writeFileSync(join(directory, 'owner'), JSON.stringify({ host: hostname(), pid: process.pid }));
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {string} directory */
function tryMake(directory) {
  try {
    mkdirSync(directory);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} directory */
function isAbandoned(directory) {
  try {
    const silence = Date.now() - statSync(directory).mtimeMs;
    if (silence > silenceMilliseconds) return true;
    const owner = JSON.parse(readFileSync(join(directory, 'owner'), 'utf8'));
    return owner.host === hostname() && !isAlive(owner.pid);
  } catch {
    // Released meanwhile, or made a moment ago and not yet signed.
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Removes an abandoned lock. A second lock makes sure that of several who see it only one removes it, and that
 * it is still the abandoned one.
 * @param {string} directory
 */
function takeOver(directory) {
  const mutex = `${directory}.takeover`;
  if (!tryMake(mutex)) {
    // Held for a moment only; one that stays was left by a kill.
    const madeAt = statSync(mutex, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - madeAt > silenceMilliseconds) rmdirSync(mutex);
    return;
  }
  try {
    if (isAbandoned(directory)) rmSync(directory, { recursive: true, force: true });
  } finally {
    rmdirSync(mutex);
  }
}
