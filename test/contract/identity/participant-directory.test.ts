// What every ParticipantDirectory promises, run over the one on JetStream with two instances.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bucketStream } from '../../../shared/adapters/nats/names';
import { JetStreamParticipantDirectory } from '../../../shared/adapters/nats/participant-store';
import type { ParticipantDirectory } from '../../../shared/identity/participant-directory';
import { startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

const renewAfterMs = 1_000;

interface Backend {
  readonly one: ParticipantDirectory;
  readonly other: ParticipantDirectory;
  /** Writes that the backend has seen so far. */
  readonly writes: () => Promise<number>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

function participantDirectoryContract(name: string, start: (clock: () => number) => Promise<Backend>): void {
  describe(`a participant directory on ${name}`, () => {
    let backend: Backend;
    let nowMs = 1_760_000_000_000;
    beforeAll(async () => (backend = await start(() => nowMs)));
    afterAll(() => backend.stop());

    const writesOf = async (work: () => Promise<unknown>): Promise<number> => {
      const before = await backend.writes();
      await work();
      return (await backend.writes()) - before;
    };

    test('knows a participant on every instance from the moment it registered', async () => {
      for (let turn = 0; turn < 50; turn++) {
        const did = `did:example:fresh${turn}`;
        expect(await backend.other.exists(did)).toBe(false);
        await backend.one.register(did, []);
        expect(await backend.other.exists(did)).toBe(true);
      }
    });

    test('compares DIDs byte for byte', async () => {
      await backend.one.register('did:example:Case', []);
      expect(await backend.one.exists('did:example:case')).toBe(false);
      expect(await backend.one.exists('did:example:Case ')).toBe(false);
    });

    test.each(['', '*', '>', 'did:example:*', 'a.b', ' ', '\u0000', '😀', '\ud800', 'x'.repeat(10_000)])(
      'finds nobody under a hostile text (%j)',
      async (text) => {
        await backend.one.register('did:example:anybody', []);
        expect(await backend.one.exists(text)).toBe(false);
      },
    );

    test('writes nothing while nothing has changed, whoever registers', async () => {
      const did = 'did:example:idle';
      expect(await writesOf(() => backend.one.register(did, ['a', 'b']))).toBe(1);
      const unchanged = () =>
        Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            (index % 2 ? backend.one : backend.other).register(did, ['b', 'a', 'b']),
          ),
        );
      expect(await writesOf(unchanged)).toBe(0);
    });

    test('writes when the roles have changed, also back to what this instance wrote before', async () => {
      const did = 'did:example:changing';
      await backend.one.register(did, ['a']);
      expect(await writesOf(() => backend.other.register(did, ['b']))).toBe(1);
      expect(await writesOf(() => backend.one.register(did, ['a']))).toBe(1);
      expect(await writesOf(() => backend.one.register(did, []))).toBe(1);
    });

    test('writes when the last contact noted is old', async () => {
      const did = 'did:example:returning';
      await backend.one.register(did, []);
      nowMs += renewAfterMs - 1;
      expect(await writesOf(() => backend.one.register(did, []))).toBe(0);
      nowMs += 1;
      expect(await writesOf(() => backend.other.register(did, []))).toBe(1);
    });

    test('registers once when many instances do it together', async () => {
      const crowd = () =>
        Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            (index % 2 ? backend.one : backend.other).register('did:example:crowd', ['a']),
          ),
        );
      expect(await writesOf(crowd)).toBe(1);
    });

    test('still knows everybody after a restart', async () => {
      await backend.one.register('did:example:lasting', []);
      await backend.restart();
      expect(await backend.other.exists('did:example:lasting')).toBe(true);
    }, 30_000);
  });
}

participantDirectoryContract('JetStream', async (clock) => {
  const server = await startNatsServer();
  const connect = () => {
    const { jetStream, layout } = openStore(server.url);
    const directory = new JetStreamParticipantDirectory(layout.bucket('participants'), {
      renewAfterMs,
      clock,
    });
    return { jetStream, directory };
  };
  const [one, other] = [connect(), connect()];
  return {
    one: one.directory,
    other: other.directory,
    writes: async () => (await one.jetStream.streamState(bucketStream('participants')))?.lastSeq ?? 0,
    restart: () => server.restart(),
    stop: async () => {
      await Promise.all([one.jetStream.close(), other.jetStream.close()]);
      await server.stop();
    },
  };
});
