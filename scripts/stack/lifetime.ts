// How a long-running command ends: by its own end, by a signal, by the end of whoever started it, or by a
// failure; always with everything stopped in the reverse order of its start, and with one clear line.

import { setTimeout as delay } from 'node:timers/promises';

export interface Lifetime {
  /** Settles when somebody asked us to stop. */
  readonly stopped: Promise<undefined>;
  /** Registers what is to be stopped. */
  readonly onStop: (stop: () => unknown) => void;
  /** Ends the command with this failure; ignored when it is ending already. */
  readonly fail: (error: Error) => void;
}

const stopMilliseconds = 9_500;

/**
 * Runs a command and ends the process: exit code 0 when it came to its own end or was asked to stop after it was
 * up, 1 with one line on stderr when it failed, 130 or 143 when it was interrupted before.
 */
export function runCommand(command: (lifetime: Lifetime) => Promise<void>): void {
  const stops: (() => unknown)[] = [];
  const asked = Promise.withResolvers<undefined>();
  const failed = Promise.withResolvers<never>();
  const interrupted = Promise.withResolvers<number>();
  let isUp = false;
  let isEnding = false;
  const lifetime: Lifetime = {
    get stopped() {
      isUp = true;
      return asked.promise;
    },
    onStop: (stop) => stops.push(stop),
    fail: (error) => {
      if (!isEnding) failed.reject(error);
    },
  };
  const ask = (exitCode: number) => {
    asked.resolve(undefined);
    if (!isUp) interrupted.resolve(exitCode);
  };
  process.on('SIGINT', () => {
    ask(130);
  });
  process.on('SIGTERM', () => {
    ask(143);
  });
  process.on('SIGHUP', () => {
    ask(129);
  });
  // The launcher was killed: it could not pass a signal on.
  process.on('disconnect', () => {
    ask(143);
  });
  process.channel?.unref();
  // Whoever read our output may be gone; that must not keep us from stopping what we started.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

  const running = command(lifetime).then(() => 0);
  void Promise.race([running, failed.promise, interrupted.promise])
    .catch((error: unknown) => {
      console.error((error as Error).message);
      return 1;
    })
    .then(async (exitCode) => {
      isEnding = true;
      await Promise.race([stopAll(stops), delay(stopMilliseconds)]);
      process.exit(exitCode);
    });
}

async function stopAll(stops: (() => unknown)[]): Promise<void> {
  for (const stop of stops.toReversed()) {
    try {
      await stop();
    } catch (error) {
      console.error((error as Error).message);
    }
  }
}
