// A developer command run as its users run it, with what it wrote and what it left behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  /** The first match in stdout, waited for. @throws Error with all output when the command ends without it */
  readonly waitFor: (pattern: RegExp) => Promise<RegExpExecArray>;
}

export const root = resolve(__dirname, '../..');

/** `dist/scripts/<name>.js`, which npm test has built. */
export function runBuiltCommand(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningCommand {
  const script = join(root, 'dist', 'scripts', `${name}.js`);
  return run(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], environment);
}

/** npm itself, through the launcher. @throws Error when the launcher would have to install first */
export function runNpm(args: readonly string[]): RunningCommand {
  if (!existsSync(join(root, 'node_modules', '.lockfile-stamp'))) {
    throw new Error('the launcher has not installed the packages here: run npm test');
  }
  return run('npm', args, {});
}

function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): RunningCommand {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...withoutSettings(process.env), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const state = { ended: false };
  const ended = new Promise<number | null>((done) =>
    child.once('close', (code) => {
      state.ended = true;
      done(code);
    }),
  );
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    waitFor: async (pattern) => {
      for (;;) {
        const match = pattern.exec(output.stdout);
        if (match) return match;
        if (state.ended) throw new Error(`no ${String(pattern)} in:\n${output.stdout}${output.stderr}`);
        await delay(20);
      }
    },
  };
}

/** What the tests' own launcher or shell set must not decide what the command does. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^(NATS_SERVERS|SQL|BLOB_|TOKEN_|MESSAGE_ID_KEY|ROLES_FILE|npm_)/.test(name),
    ),
  );
}

/** Ids of the living processes that name `directory` on their command line. Linux. */
export function processesIn(directory: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(directory))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Waits until no process names the directory. @returns how long it took, in milliseconds */
export async function untilNoProcessIn(directory: string, withinMilliseconds: number): Promise<number> {
  const startedAt = Date.now();
  for (;;) {
    const left = processesIn(directory);
    const took = Date.now() - startedAt;
    if (left.length === 0) return took;
    if (took > withinMilliseconds) throw new Error(`still there after ${took} ms: ${left.join(', ')}`);
    await delay(50);
  }
}
