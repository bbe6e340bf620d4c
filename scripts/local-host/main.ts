// The command: runs a built app until a signal stops it. `ready <url>` on stdout says that it listens.

import { parseArgs } from 'node:util';
import type { LogLevel } from './core-module';
import { HostError } from './host-error';
import { startLocalHost } from './start-local-host';

const help = `Runs a built Functions app as the platform does, for local work and tests.

  --bundle PATH      the built app (default: dist/main.js)
  --host-json PATH   host.json (default: the nearest above the bundle)
  --port N           default: 7071; 0 is chosen by the system
  --hostname NAME    address to listen on (default: 127.0.0.1)
  --log-level LEVEL  of what the app logs through its context: trace, debug, information, warning, error,
                     critical, none (default: warning)
  --help             this text
`;

const levels: readonly LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

async function main(): Promise<void> {
  const { values } = readArguments();
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) throw new HostError('--port is a number up to 65535.');
  const lowest = levels.findIndex((level) => level === values['log-level']);
  if (lowest < 0) throw new HostError(`--log-level is one of ${levels.join(', ')}.`);
  const host = await startLocalHost({
    bundle: values.bundle,
    port,
    hostname: values.hostname,
    ...(values['host-json'] === undefined ? {} : { hostJson: values['host-json'] }),
    log: (level, message) => {
      if (levels.indexOf(level) >= lowest) process.stderr.write(`[${level}] ${message}\n`);
    },
  });
  const stop = () => {
    void host.close().finally(() => {
      // Whatever the app still holds open does not keep it up.
      process.exit(0);
    });
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`ready ${host.url}\n`);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        bundle: { type: 'string', default: 'dist/main.js' },
        'host-json': { type: 'string' },
        port: { type: 'string', default: '7071' },
        hostname: { type: 'string', default: '127.0.0.1' },
        'log-level': { type: 'string', default: 'warning' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new HostError((error as Error).message, { cause: error });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(
    error instanceof HostError ? `${error.message}\n` : `${(error as Error).stack ?? String(error)}\n`,
  );
  process.exit(1);
});
