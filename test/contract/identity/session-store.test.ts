// What every SessionStore promises, run over the one on JetStream with two instances.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JetStreamSessionStore } from '../../../shared/adapters/nats/session-store';
import { openSession } from '../../../shared/identity/refresh-token';
import type { SessionStore } from '../../../shared/identity/session-store';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

interface Backend {
  /** Two instances over the same records. */
  readonly one: SessionStore;
  readonly other: SessionStore;
  /** Stops what keeps the records and starts it again. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

function sessionStoreContract(name: string, start: () => Promise<Backend>): void {
  describe(`a session store on ${name}`, () => {
    let backend: Backend;
    beforeAll(async () => (backend = await start()));
    afterAll(() => backend.stop());

    const opened = (did = 'did:example:a') => openSession(did, { lifeMs: 60_000, graceMs: 0 }, Date.now());

    test('gives back on every instance what one has kept', async () => {
      const { session, record } = opened('did:example:ü\u0000"');
      await backend.one.create(session, record);
      expect((await backend.other.read(session))?.record).toEqual(record);
    });

    test('knows nothing of a session that was never opened', async () => {
      expect(await backend.one.read(randomBytes(16))).toBeUndefined();
    });

    test('lets one of many replacements through, on whichever instance', async () => {
      const { session, record } = opened();
      await backend.one.create(session, record);
      const revision = (await backend.one.read(session))?.revision ?? 0;
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? backend.one : backend.other).replace(
            session,
            { ...record, generation: index + 1 },
            revision,
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'replaced')).toHaveLength(1);
      const winner = outcomes.indexOf('replaced') + 1;
      expect((await backend.other.read(session))?.record.generation).toBe(winner);
    });

    test('forgets a removed session, and does not let an older reader bring it back', async () => {
      const { session, record } = opened();
      await backend.one.create(session, record);
      const revision = (await backend.other.read(session))?.revision ?? 0;
      await backend.one.remove(session);
      expect(await backend.other.read(session)).toBeUndefined();
      expect(await backend.other.replace(session, record, revision)).toBe('unsure');
      expect(await backend.one.read(session)).toBeUndefined();
    });

    test('keeps its records over a restart', async () => {
      const { session, record } = opened();
      await backend.one.create(session, record);
      await backend.restart();
      expect((await backend.other.read(session))?.record).toEqual(record);
    }, 30_000);
  });
}

sessionStoreContract('JetStream', async () => {
  const server: NatsServer = await startNatsServer();
  const connect = () => {
    const { jetStream, layout } = openStore(server.url);
    return { jetStream, store: new JetStreamSessionStore(layout.bucket('sessions', { ttlMs: 60_000 })) };
  };
  const [one, other] = [connect(), connect()];
  return {
    one: one.store,
    other: other.store,
    restart: () => server.restart(),
    stop: async () => {
      await Promise.all([one.jetStream.close(), other.jetStream.close()]);
      await server.stop();
    },
  };
});
