// What the client registry promises, over real JetStream and with a clock of its own: few writes, and nothing forgotten
// that is in use.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { JetStreamClientRegistry } from '../../../shared/adapters/nats/client-registry';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import type { KeyValueBucket } from '../../../shared/adapters/nats/key-value';
import { bucketStream, clientBucket } from '../../../shared/adapters/nats/names';
import { StoreLayout } from '../../../shared/adapters/nats/store-layout';
import { forgetIdleClients } from '../../../shared/messages';
import { startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

jest.setTimeout(30_000);

describe('the client registry', () => {
  const dayMs = 86_400_000;
  let jetStream: JetStream;
  let registry: JetStreamClientRegistry;
  let nowMs = 1_760_000_000_000;
  const ownServer = startNatsServer();

  beforeAll(async () => {
    const { url } = await ownServer;
    const store = openStore(url, { retentionClasses: ['30d'] });
    jetStream = store.jetStream;
    const { layout } = store;
    const directGet = new DirectGet(jetStream.connections);
    registry = new JetStreamClientRegistry({
      layout,
      jetStream,
      directGet,
      maxClientIds: 10_000,
      clock: () => nowMs,
    });
  });

  afterAll(async () => {
    await jetStream.close();
    await (await ownServer).stop();
  });

  const writes = async (): Promise<number> =>
    (await jetStream.streamState(bucketStream(clientBucket)))?.lastSeq ?? 0;

  test('writes once a day for a client id, however often it is used', async () => {
    for (let day = 0; day < 3; day++) {
      for (let turn = 0; turn < 50; turn++) await registry.note('did:example:a', 'busy');
      expect(await writes()).toBe(day + 1);
      nowMs += dayMs;
    }
  });

  test('forgets what is idle for longer than the longest class, and nothing else', async () => {
    for (let index = 0; index < 500; index++) await registry.note('did:example:idle', `idle-${index}`);
    nowMs += 20 * dayMs;
    await registry.note('did:example:idle', 'idle-7');
    await registry.note('did:example:other', 'busy');
    const step = forgetIdleClients(
      registry,
      () => 30 * dayMs,
      () => Promise.resolve(nowMs),
    );
    nowMs += 10 * dayMs;
    expect((await step.run(() => false))['forgotten']).toBe(1);
    expect(await registry.list('did:example:a')).toEqual([]);
    nowMs += 2 * dayMs;
    expect(await step.run(() => true)).toEqual({ forgotten: 0 });
    expect(await step.run(() => false)).toEqual({ forgotten: 499 });
    expect(await registry.list('did:example:idle')).toEqual(['idle-7']);
    expect(await registry.list('did:example:other')).toEqual(['busy']);
  });

  test('regression: takes no place for a client id that could not be written', async () => {
    const log = () => undefined;
    const layout = new StoreLayout(jetStream, {
      shardCount: 1,
      replicas: 1,
      duplicateWindowSeconds: 120,
      retentionClasses: ['30d'],
      log,
    });
    let isAway = true;
    const bucketOf = (name: string): KeyValueBucket => {
      const bucket = layout.bucket(name, { allowDirect: true });
      return {
        get: (key) => bucket.get(key),
        put: (...call) => (isAway ? Promise.reject(new Error('away')) : bucket.put(...call)),
        remove: (...call) => bucket.remove(...call),
      };
    };
    const provision = (name: string) => layout.provision(name, { allowDirect: true });
    const small = new JetStreamClientRegistry({
      layout: { bucket: bucketOf, provision },
      jetStream,
      directGet: new DirectGet(jetStream.connections),
      maxClientIds: 2,
      clock: () => nowMs,
    });
    for (const clientId of ['a', 'b', 'c']) {
      await expect(small.note('did:example:unlucky', clientId)).rejects.toThrow('away');
    }
    isAway = false;
    await small.note('did:example:unlucky', 'a');
    await small.note('did:example:unlucky', 'b');
    await expect(small.note('did:example:unlucky', 'c')).rejects.toMatchObject({ code: 'limit-reached' });
  });
});
