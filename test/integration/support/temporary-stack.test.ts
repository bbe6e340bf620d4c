// A stack of which only half can be started leaves nothing behind.

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startNatsServer } from '../../../scripts/stack/nats-server';
import { startTemporaryStack } from '../../../scripts/stack/temporary-stack';

const root = resolve(__dirname, '../../..');

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a temporary stack', () => {
  it('regression: stops what was still starting when something else could not be started', async () => {
    let directory = '';
    const server = Promise.withResolvers<number>();
    await expect(
      startTemporaryStack('test', async (stack) => {
        directory = stack.directory;
        const starting = startNatsServer({ port: 0, root, storeDir: join(directory, 'nats') });
        void starting.then(({ pid }) => server.resolve(pid));
        await Promise.all([
          stack.keep(starting, (started) => started.stop()),
          stack.keep(Promise.reject(new Error('there is no second one')), () => undefined),
        ]);
      }),
    ).rejects.toThrow('there is no second one');
    expect(isRunning(await server.promise)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });

  it('stops everything, last first, also where one thing cannot be stopped', async () => {
    const stopped: string[] = [];
    const stack = await startTemporaryStack('test', ({ onStop, stop, directory }) => {
      onStop(() => stopped.push('first'));
      onStop(() => Promise.reject(new Error('it does not stop')));
      onStop(() => stopped.push('last'));
      return Promise.resolve({ stop, directory });
    });
    await expect(stack.stop()).rejects.toThrow('it does not stop');
    expect(stopped).toEqual(['last', 'first']);
    expect(existsSync(stack.directory)).toBe(false);
  });

  it('has settings of a broker with keys and a topic store of its own', async () => {
    const settings = await startTemporaryStack('test', async ({ brokerSettings, stop, directory }) => {
      const own = await brokerSettings({ LOG_LEVEL: 'error' });
      expect(own).toMatchObject({ LOG_LEVEL: 'error', SQLITE_FILE: join(directory, 'topics.sqlite') });
      expect(existsSync(own['SQLITE_FILE'] ?? '')).toBe(true);
      await stop();
      return own;
    });
    expect(Object.keys(settings)).toEqual(expect.arrayContaining(['TOKEN_SIGNING_KEY', 'MESSAGE_ID_KEY']));
  });
});
