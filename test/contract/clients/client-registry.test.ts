// What the client registry promises, over real JetStream and with a clock of its own: few writes, and nothing forgotten
// that is in use.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { JetStreamClientRegistry } from '../../../shared/adapters/nats/client-registry';
import { DirectGet } from '../../../shared/adapters/nats/direct-get';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import { bucketStream, clientBucket } from '../../../shared/adapters/nats/names';
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
});
