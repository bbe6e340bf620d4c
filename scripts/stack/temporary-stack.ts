// A stack of one's own: whatever is started on it, in a temporary directory, with keys and a topic store that nobody
// else has. All of it is gone after stop(), and also when only half of it could be started.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalKeys } from './local-keys';
import { migrateTopicStore } from './migrate-topic-store';

export interface TemporaryStack {
  readonly directory: string;
  readonly onStop: (stop: () => unknown) => void;
  /** Has a thing stopped with the stack, from the moment it has started. */
  readonly keep: <Thing>(starting: Promise<Thing>, stop: (thing: Thing) => unknown) => Promise<Thing>;
  /** Settings of a broker with keys and a topic store of its own, which is migrated; those given come first. */
  readonly brokerSettings: (
    settings: Readonly<Record<string, string>>,
  ) => Promise<Readonly<Record<string, string>>>;
  /** What started last stops first, and what is still starting stops too. @throws the first error of a stop */
  readonly stop: () => Promise<void>;
}

/** @param name of the directory @param build when it fails, what it has started is stopped */
export async function startTemporaryStack<Built>(
  name: string,
  build: (stack: TemporaryStack) => Promise<Built>,
): Promise<Built> {
  const directory = await mkdtemp(join(tmpdir(), `broker-${name}-`));
  const starting = new Set<Promise<unknown>>();
  const stops: (() => unknown)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    await Promise.allSettled(starting);
    const errors: unknown[] = [];
    for (const end of stops.splice(0).toReversed()) {
      try {
        await end();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  };
  const stack: TemporaryStack = {
    directory,
    stop,
    onStop: (end) => stops.push(end),
    keep: async (thingStarting, stopThing) => {
      const kept = thingStarting.then((thing) => {
        stops.push(() => stopThing(thing));
        return thing;
      });
      starting.add(kept);
      return kept.finally(() => starting.delete(kept));
    },
    brokerSettings: async (settings) => {
      const keys = createLocalKeys();
      const all = {
        SQLITE_FILE: join(directory, 'topics.sqlite'),
        TOKEN_SIGNING_KEY: keys.tokenSigningKey,
        MESSAGE_ID_KEY: keys.messageIdKey,
        ...settings,
      };
      await migrateTopicStore(all, () => undefined);
      return all;
    },
  };
  try {
    return await build(stack);
  } catch (error) {
    // Why it could not be started says more than what could not be stopped.
    await stop().catch(() => undefined);
    throw error;
  }
}
