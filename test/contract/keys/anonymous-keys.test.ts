// What registrations of anonymous keys promise when two participants are at the same key at the same moment.

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { JetStreamAnonymousKeys } from '../../../shared/adapters/nats/anonymous-keys';
import type { JetStream } from '../../../shared/adapters/nats/jetstream';
import type { KeyValueBucket } from '../../../shared/adapters/nats/key-value';
import { anonymousMailbox } from '../../../shared/messages/anonymous-keys';
import { AnonymousMailboxes } from '../../../shared/messages/anonymous-mailboxes';
import { mailboxToken } from '../../../shared/messages/mailbox';
import { type NatsServer, startNatsServer } from '../../support/nats-server';
import { openStore } from '../../support/open-store';

jest.setTimeout(30_000);

describe('anonymous keys on JetStream', () => {
  let server: NatsServer;
  let jetStream: JetStream;
  let bucket: KeyValueBucket;

  beforeAll(async () => {
    server = await startNatsServer();
    const store = openStore(server.url);
    jetStream = store.jetStream;
    bucket = store.layout.bucket('anonymous-keys');
  });

  afterAll(async () => {
    await jetStream.close();
    await server.stop();
  });

  /** The same bucket, with something that happens just before a call reaches it. */
  const bucketWhere = (
    before: Partial<Record<'put' | 'remove', () => Promise<unknown>>>,
  ): KeyValueBucket => ({
    get: (key) => bucket.get(key),
    put: async (...call) => {
      await before.put?.();
      return bucket.put(...call);
    },
    remove: async (...call) => {
      await before.remove?.();
      return bucket.remove(...call);
    },
  });

  test('belong to whoever was first, also when both found the key free', async () => {
    const keys = new JetStreamAnonymousKeys(bucket, jetStream);
    const rival = () => keys.register('contested', 'did:example:rival');
    const slow = new JetStreamAnonymousKeys(bucketWhere({ put: rival }), jetStream);
    expect((await slow.register('contested', 'did:example:slow')).owner).toBe('did:example:rival');
    expect((await keys.find('contested'))?.owner).toBe('did:example:rival');
  });

  test('are not lost to a removal by their former owner that comes late', async () => {
    const keys = new JetStreamAnonymousKeys(bucket, jetStream);
    const first = await keys.register('key', 'did:example:first');
    const slow = new JetStreamAnonymousKeys(
      bucketWhere({
        remove: async () => {
          await keys.remove(first);
          await keys.register('key', 'did:example:next');
        },
      }),
      jetStream,
    );
    await slow.remove(first);
    expect((await keys.find('key'))?.owner).toBe('did:example:next');
    await keys.remove(first);
    expect((await keys.find('key'))?.owner).toBe('did:example:next');
  });

  test('name another mailbox with each registration', async () => {
    const keys = new JetStreamAnonymousKeys(bucket, jetStream);
    const tokens = new Set<string>();
    for (let turn = 0; turn < 3; turn++) {
      const registered = await keys.register('rotating', 'did:example:owner');
      expect(await keys.register('rotating', 'did:example:owner')).toEqual(registered);
      tokens.add(mailboxToken(anonymousMailbox(registered)));
      await keys.remove(registered);
      expect(await keys.find('rotating')).toBeUndefined();
    }
    expect(tokens.size).toBe(3);
  });

  test('regression: do not count against their owner when registering them has failed', async () => {
    const owner = 'did:example:unlucky';
    const keys = new JetStreamAnonymousKeys(bucket, jetStream);
    let puts = 0;
    const failing = new JetStreamAnonymousKeys(
      bucketWhere({ put: () => (++puts > 1 ? Promise.reject(new Error('full')) : Promise.resolve()) }),
      jetStream,
    );
    await expect(failing.register('unlucky', owner)).rejects.toThrow('full');
    expect(await keys.find('unlucky')).toBeUndefined();
    expect(await keys.count(owner)).toBe(0);
  });

  test('regression: no longer count when their owner removes them after a registration that was cut off', async () => {
    const owner = 'did:example:cut-off';
    const keys = new JetStreamAnonymousKeys(bucket, jetStream);
    const cutOff = new JetStreamAnonymousKeys(
      bucketWhere({
        put: async () => {
          if ((await keys.count(owner)) > 0) throw new Error('cut off');
        },
        remove: () => Promise.reject(new Error('cut off')),
      }),
      jetStream,
    );
    await expect(cutOff.register('cut-off', owner)).rejects.toThrow('cut off');
    expect(await keys.count(owner)).toBe(1);
    const removal = { removeMailbox: () => Promise.resolve(), removeCursors: () => Promise.resolve() };
    expect(await new AnonymousMailboxes(keys, removal, 10).remove(owner, 'cut-off')).toBe('unknown');
    expect(await keys.count(owner)).toBe(0);
  });

  test('count also when a removal comes while they are registered', async () => {
    const owner = 'did:example:hasty';
    const keys = new JetStreamAnonymousKeys(bucket, jetStream);
    let puts = 0;
    const slow = new JetStreamAnonymousKeys(
      bucketWhere({ put: () => (++puts === 2 ? keys.clear('hasty', owner) : Promise.resolve()) }),
      jetStream,
    );
    await slow.register('hasty', owner);
    expect(await keys.count(owner)).toBe(1);
  });
});
