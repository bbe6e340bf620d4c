// Runs child processes to their end. Signals are passed on, and when npm itself is gone (killed, so that it
// could pass nothing on) the child is stopped.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { LaunchError } from './launch-error.mjs';

/**
 * What runs, and how long it may take to end after a signal. Unit: milliseconds.
 * @type {Map<import('node:child_process').ChildProcess, number>}
 */
const running = new Map();
/** The first signal we got: no further child is started after it. @type {NodeJS.Signals | undefined} */
let stoppedBy;

/** @type {Partial<Record<NodeJS.Signals, number>>} */
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };
const commandGraceMilliseconds = 9_000;
// npm takes its time over a signal, and what it leaves half done is done again by the next run.
const toolGraceMilliseconds = 1_500;

/** From now on a signal to us goes to the child that runs, and nothing further is started. */
export function passSignalsOn() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      stopAll(signal);
    });
  }
}

/** @param {NodeJS.Signals} signal */
function stopAll(signal) {
  stoppedBy ??= signal;
  for (const [child, graceMilliseconds] of running) {
    child.kill(signal);
    setTimeout(() => child.kill('SIGKILL'), graceMilliseconds).unref();
  }
}

/**
 * Runs a command to its end, with our terminal. The child gets an IPC channel: when we are killed it closes,
 * which the long-running commands take as the order to stop.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, ipc?: boolean}} [options]
 * @returns {Promise<number>} exit code, 128 + n for signal n
 */
export function runToEnd(command, args, { ipc = true, ...options } = {}) {
  return new Promise((resolve, reject) => {
    if (stoppedBy) {
      resolve(exitCodeOf(stoppedBy));
      return;
    }
    const child = spawn(command, args, {
      ...options,
      stdio: ['inherit', 'inherit', 'inherit', ...(ipc ? /** @type {const} */ (['ipc']) : [])],
    });
    running.set(child, commandGraceMilliseconds);
    child.once('error', (error) => {
      running.delete(child);
      reject(new LaunchError(`${command} cannot be started: ${error.message}`));
    });
    child.once('exit', (code, signal) => {
      running.delete(child);
      resolve(code ?? exitCodeOf(signal ?? 'SIGKILL'));
    });
  });
}

/**
 * Runs a command to its end and returns what it wrote.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, timeoutSeconds?: number, onOutput?: (text: string) => void}} [options]
 * @returns {Promise<{code: number, output: string}>} code -1 when it could not be started or took too long
 */
export function capture(command, args, { timeoutSeconds = 600, onOutput, ...options } = {}) {
  return new Promise((resolve) => {
    if (stoppedBy) {
      resolve({ code: exitCodeOf(stoppedBy), output: '' });
      return;
    }
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    running.set(child, toolGraceMilliseconds);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        onOutput?.(text);
      });
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1_000);
    child.once('error', (error) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code: -1, output: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code: code ?? -1, output });
    });
  });
}

/** Ends the work in hand when somebody pressed Ctrl-C meanwhile. */
export function throwIfStopped() {
  if (stoppedBy) throw new LaunchError('stopped', exitCodeOf(stoppedBy));
}

/**
 * Watches the processes between us and npm: a SIGKILL of npm reaches nobody else.
 * Only when npm started us; whoever starts us directly may leave us running on purpose.
 */
export function stopWithNpm() {
  if (!process.env['npm_lifecycle_event']) return;
  const parent = process.ppid;
  const shell = ['sh', 'dash', 'bash', 'busybox'].includes(processName(parent));
  const grandparent = shell ? parentOf(parent) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (grandparent === undefined || parentOf(parent) === grandparent)) return;
    clearInterval(timer);
    stopAll('SIGTERM');
  }, 300);
  timer.unref();
}

/** @param {number} pid @returns {string} */
function processName(pid) {
  return processStatus(pid, /^Name:\s*(.*)$/m) ?? '';
}

/** @param {number} pid @returns {number | undefined} */
function parentOf(pid) {
  const parent = processStatus(pid, /^PPid:\s*(\d+)$/m);
  return parent === undefined ? undefined : Number(parent);
}

/**
 * Only Linux has it; elsewhere the shell replaces itself with us and there is nothing between npm and us.
 * @param {number} pid
 * @param {RegExp} field
 * @returns {string | undefined}
 */
function processStatus(pid, field) {
  try {
    return field.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** @param {NodeJS.Signals} signal */
function exitCodeOf(signal) {
  return 128 + (signalNumbers[signal] ?? 9);
}
