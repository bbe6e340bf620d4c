// A compare-and-set whose answer was lost and which is carried out only after one has looked: a server that was cut off
// from the others does that. It cannot be provoked at will, so the bucket is made for it.

import { expect, it } from '@jest/globals';
import { JetStreamCursorStore } from '../../../shared/adapters/nats/jetstream-cursor-store';
import {
  type KeyValueBucket,
  type KeyValueEntry,
  RevisionConflict,
  UnknownOutcome,
} from '../../../shared/adapters/nats/key-value';
import { bucketSubject, cursorBucket } from '../../../shared/adapters/nats/names';

/** The first write lands when the second one comes. */
function lateBucket(): KeyValueBucket {
  let entry: KeyValueEntry | undefined;
  let late: (() => void) | undefined;
  let writes = 0;
  return {
    get: () => Promise.resolve(entry),
    put: (_key, value, { previousRevision = 0 } = {}) => {
      const revision = (entry?.revision ?? 0) + 1;
      writes++;
      if (writes === 1) {
        late = () => (entry = { value, revision });
        return Promise.reject(new UnknownOutcome());
      }
      late?.();
      late = undefined;
      if (previousRevision !== (entry?.revision ?? 0)) return Promise.reject(new RevisionConflict());
      entry = { value, revision };
      return Promise.resolve(revision);
    },
    remove: () => Promise.resolve(),
  };
}

it('regression: a change that lands after one has looked is not applied again', async () => {
  const bucket = lateBucket();
  const layout = { shardCount: 1, generation: () => Promise.resolve(1), cursors: () => bucket };
  const clock = { now: () => Promise.resolve(1_000) };
  const room = { take: () => Promise.resolve() };
  const store = new JetStreamCursorStore(
    ...([{}, layout, clock, room] as unknown as ConstructorParameters<typeof JetStreamCursorStore>),
  );
  const name = { mailbox: { kind: 'did', identifier: 'did:a' }, clientId: 'reader', from: '' } as const;
  const outcome = await store.update(name, (cursor) => {
    const start = cursor.start + 1;
    return { cursor: { ...cursor, start }, outcome: start };
  });
  expect(outcome).toBe(1);
  expect((await store.load(name)).cursor.start).toBe(1);
});

it('regression: a cursor for which others are too fast does not hide that the others were changed', async () => {
  const bucket: KeyValueBucket = {
    get: () => Promise.resolve(undefined),
    remove: () => Promise.resolve(),
    put: (key) => (key === 'free' ? Promise.resolve(1) : Promise.reject(new RevisionConflict())),
  };
  const layout = { shardCount: 1, generation: () => Promise.resolve(1), cursors: () => bucket };
  let keys = ['free', 'contended'];
  const subjects = () => Object.fromEntries(keys.map((key) => [bucketSubject(cursorBucket(0), key), 1]));
  const jetStream = { streamState: () => Promise.resolve({ subjects: subjects() }) };
  const clock = { now: () => Promise.resolve(1_000) };
  const room = { take: () => Promise.resolve() };
  const store = new JetStreamCursorStore(
    ...([jetStream, layout, clock, room] as unknown as ConstructorParameters<typeof JetStreamCursorStore>),
  );
  const changeAll = () =>
    store.updateAll({ kind: 'did', identifier: 'did:a' }, 'reader', (cursor) => ({
      cursor: { ...cursor, start: cursor.start + 1 },
      outcome: 'changed',
    }));
  expect(await changeAll()).toEqual(['changed']);
  keys = ['contended'];
  await expect(changeAll()).rejects.toMatchObject({ code: 'cursor-contended' });
});
