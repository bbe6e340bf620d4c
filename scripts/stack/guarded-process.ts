// A child process that cannot outlive us. Beside it runs a shell that holds the reading end of a pipe from
// us: when we end, however we end, the pipe closes and the shell stops the child.

import { type ChildProcess, spawn } from 'node:child_process';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  readonly pid: number;
  /** Settles when the process has ended. */
  readonly exited: Promise<Exit>;
  /** The last lines that it wrote to stdout and stderr. */
  readonly tail: () => string;
  /** SIGTERM, then SIGKILL after `graceMilliseconds` (default 5,000); settles when it has ended. */
  readonly stop: (graceMilliseconds?: number) => Promise<void>;
  /** Sends the signal; settles when the process has ended, or at once for a signal that does not end it. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
}

export interface GuardedProcessOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Gets every line that the process writes. */
  readonly onLine?: (line: string) => void;
}

// Built-ins only, so that the shell itself leaves nothing behind. The child gets 5 s to end by itself.
const guardScript = `
trap '' INT HUP
while read -r _; do :; done
kill -TERM "$1" 2>/dev/null || exit 0
i=0
while [ "$i" -lt 50 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; i=$((i + 1)); done
kill -KILL "$1" 2>/dev/null || :
`;

const tailLines = 20;
const passingSignals: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT', 'SIGHUP', 'SIGUSR1']);

/**
 * Starts a process in a session of its own (a Ctrl-C in the terminal reaches only us, and we decide the order
 * in which things stop) together with its guard.
 * @throws Error when it cannot be started
 */
export async function spawnGuarded(
  command: string,
  args: readonly string[],
  options: GuardedProcessOptions = {},
): Promise<GuardedProcess> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.environment ? { env: options.environment } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  const exited = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => {
      resolve({ code, signal });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', (error) => {
      reject(new Error(`${command} cannot be started: ${error.message}`));
    });
  });
  const pid = child.pid ?? 0;
  const releaseGuard = guard(pid);
  void exited.then(releaseGuard);
  const lines = keepTail(child, options.onLine);

  const running = () => child.exitCode === null && child.signalCode === null;
  const kill = async (signal: NodeJS.Signals) => {
    if (running()) child.kill(signal);
    if (!passingSignals.has(signal)) await exited;
  };
  return {
    pid,
    exited,
    tail: () => lines.join('\n'),
    kill,
    stop: async (graceMilliseconds = 5_000) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds);
      await kill('SIGTERM').finally(() => {
        clearTimeout(timer);
      });
    },
  };
}

/** Starts the guard of a process; the returned function ends it when the process is gone. */
function guard(pid: number): () => void {
  const shell = spawn('/bin/sh', ['-c', guardScript, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  return () => {
    shell.kill('SIGKILL');
    shell.stdin.destroy();
  };
}

function keepTail(child: ChildProcess, onLine: (line: string) => void = () => undefined): readonly string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        if (lines.length > tailLines) lines.shift();
        onLine(line);
      }
    });
  }
  return lines;
}
