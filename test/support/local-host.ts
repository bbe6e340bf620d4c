// The local host as its users run it: bundled, in a process of its own, with a small app; in a temporary
// directory that goes away with it.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type GuardedProcess, spawnGuarded } from '../../scripts/stack/guarded-process';

export interface BuiltLocalHost {
  readonly directory: string;
  readonly start: (options?: StartOptions) => Promise<RunningLocalHost>;
  readonly remove: () => Promise<void>;
}

export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export interface RunningLocalHost {
  /** Empty when it did not start. */
  readonly url: string;
  readonly port: number;
  /** All that it wrote to stdout and stderr. */
  readonly output: () => string;
  readonly process: GuardedProcess;
}

const root = resolve(__dirname, '../..');

/** Bundles the host and the fixture app. */
export async function buildLocalHost(routePrefix = ''): Promise<BuiltLocalHost> {
  const directory = await mkdtemp(join(tmpdir(), 'broker-local-host-'));
  const bundle = join(directory, 'dist', 'main.js');
  const host = join(directory, 'local-host.js');
  await Promise.all([
    esbuild('test/support/fixtures/local-host-app.ts', bundle),
    esbuild('scripts/local-host/main.ts', host),
    writeFile(join(directory, 'host.json'), JSON.stringify({ extensions: { http: { routePrefix } } })),
  ]);
  return {
    directory,
    start: async ({ environment = {}, args = [] } = {}) => {
      const lines: string[] = [];
      let ready: (url: string) => void = () => undefined;
      const listening = new Promise<string>((listen) => (ready = listen));
      const child = await spawnGuarded(process.execPath, [host, '--bundle', bundle, '--port', '0', ...args], {
        environment: { ...process.env, ...environment },
        onLine: (line) => {
          lines.push(line);
          if (line.startsWith('ready ')) ready(line.slice('ready '.length));
        },
      });
      const url = await Promise.race([listening, child.exited.then(() => '')]);
      return { url, port: Number(URL.parse(url)?.port), output: () => lines.join('\n'), process: child };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

async function esbuild(entry: string, outfile: string): Promise<void> {
  // As a program: inside jest's realm esbuild's own API refuses to work (its Uint8Array is another one).
  await promisify(execFile)(
    join(root, 'node_modules', '.bin', 'esbuild'),
    [entry, '--bundle', '--platform=node', '--format=cjs', '--external:@azure/functions-core'].concat(
      `--outfile=${outfile}`,
    ),
    { cwd: root },
  );
}
