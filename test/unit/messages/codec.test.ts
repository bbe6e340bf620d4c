import { describe, expect, it } from '@jest/globals';
import { CursorCodec } from '../../../shared/messages/cursor';
import { neverLeased } from '../../../shared/messages/cursor/pending-list';

/** A record as programs before leases wrote it (the format is in codec.ts). */
const versionOne = Uint8Array.from([
  ...[1, 3, 0, 0], // version, generation, start, from
  ...[2, 1, 0x74, 1, 0x73], // two names: t, s
  ...[1, 1, 1], // one set: of one name, the second
  ...[2, 1, 0, 9, 100, 0, 1, 8, 101], // two positions: (t, any) through 9, (any, the set) through 8
  ...[1, 1, 0x69, 5, 102], // one nonce: of instance i
  ...[1, 4, 5, 3, 60, 70, 11], // one chunk: from 4 to 9, three entries, end, due, bytes
  ...[0, 0, 1, 60, 10], // seq 4: topic, sender, end, due − end
  ...[5], // seq 6: like the one before
  ...[6, 0, 1, 80, 10], // seq 9
]);

describe('a cursor record of version 1', () => {
  it('is read as a cursor that has leased nothing', () => {
    const cursor = new CursorCodec().decode(versionOne);
    expect(cursor).toMatchObject({ generation: 3, start: 0, fromMs: -Infinity, lastGrant: 0 });
    expect(cursor.nonces).toEqual([{ instance: 'i', nonce: 5, timeMs: 102 }]);
    expect(
      cursor.positions.list.map(({ topic, senders, readThrough, timeMs }) => [
        topic,
        senders?.sorted ?? null,
        readThrough,
        timeMs,
      ]),
    ).toEqual(
      expect.arrayContaining([
        ['t', null, 9, 100],
        [null, ['s'], 8, 101],
      ]),
    );
    const entry = { topic: 't', sender: 's', ...neverLeased };
    expect([...cursor.pending]).toEqual([
      { ...entry, seq: 4, endsAtSeconds: 60, dueAtSeconds: 70 },
      { ...entry, seq: 6, endsAtSeconds: 60, dueAtSeconds: 70 },
      { ...entry, seq: 9, endsAtSeconds: 80, dueAtSeconds: 90 },
    ]);
    expect(cursor.pending.deadCount()).toBe(0);
  });

  it('is written again as one of version 3 that says the same', () => {
    const codec = new CursorCodec();
    const cursor = codec.decode(versionOne);
    const bytes = codec.encode(cursor);
    expect(bytes[0]).toBe(3);
    const again = new CursorCodec().decode(bytes);
    expect({ ...again, pending: [...again.pending] }).toEqual({ ...cursor, pending: [...cursor.pending] });
  });

  it('that ends early, and a record of a version to come, are refused', () => {
    expect(() => new CursorCodec().decode(versionOne.subarray(0, 20))).toThrow(RangeError);
    expect(() => new CursorCodec().decode(Uint8Array.from([4, ...versionOne.subarray(1)]))).toThrow(
      RangeError,
    );
  });
});

/** A record as programs before key numbers wrote it. */
const versionTwo = Uint8Array.from([
  ...[2, 3, 0, 0, 7], // version, generation, start, from, last grant
  ...[2, 1, 0x74, 1, 0x73], // two names: t, s
  ...[0, 0, 0], // no set, no position, no nonce
  ...[1, 4, 2, 2, 0, 60, 70, 9], // one chunk: from 4 to 6, two entries, no dead letter, end, due, bytes
  ...[0, 0, 1, 60, 10, 1, 7, 90], // seq 4: topic, sender, end, due − end, deliveries, grant, leased until
  ...[19], // seq 6: like the one before
]);

describe('a cursor record of version 2', () => {
  it('is read as one whose messages have keys that are not known, and written again as it is', () => {
    const codec = new CursorCodec();
    const cursor = codec.decode(versionTwo);
    const entry = {
      ...{ topic: 't', sender: 's', keyNumber: undefined, endsAtSeconds: 60, dueAtSeconds: 70 },
      ...{ deliveries: 1, grant: 7, leaseUntilMs: 90, dead: undefined },
    };
    expect([...cursor.pending]).toEqual([
      { ...entry, seq: 4 },
      { ...entry, seq: 6 },
    ]);
    const again = new CursorCodec().decode(codec.encode(cursor));
    expect([...again.pending]).toEqual([...cursor.pending]);
  });
});
