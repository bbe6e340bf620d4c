// Keys are never lost when answers are: a model of readers that come and go, whose answers get lost, against the rule
// by which the broker lets keys go.

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { dropRepeated, type KeyCursor, newKeyCursor, noteAnswer } from '../../../shared/messages/key-cursor';

const minuteMs = 60_000;

/** A keys mailbox with a reader; every search returns all after `done`, up to a number of keys. */
class World {
  nowMs = 1_000_000;
  lastSeq = 0;
  cursor: KeyCursor = newKeyCursor(1);
  readonly received = new Set<number>();

  /** Keys returned. @param isLost the reader does not get the answer @param isNoted the compare-and-set was won */
  search({ isLost = false, isNoted = true, most = Infinity } = {}): readonly number[] {
    const cursor = dropRepeated(this.cursor, this.nowMs);
    const keys = Array.from(
      { length: this.lastSeq - cursor.done },
      (_, index) => cursor.done + 1 + index,
    ).slice(0, most);
    const noted = noteAnswer(cursor, keys.at(-1) ?? cursor.done, this.nowMs);
    if (isNoted) this.cursor = noted;
    if (!isLost) for (const key of keys) this.received.add(key);
    return keys;
  }
}

describe('keys', () => {
  it('are repeated until three answers and a minute after the second have passed', () => {
    const world = new World();
    world.lastSeq = 2;
    expect(world.search()).toEqual([1, 2]);
    world.nowMs += 10 * minuteMs;
    expect(world.search()).toEqual([1, 2]);
    world.nowMs += minuteMs - 1;
    expect(world.search()).toEqual([1, 2]);
    expect(world.search()).toEqual([1, 2]);
    world.nowMs += 1;
    expect(world.search()).toEqual([]);
    expect(world.cursor).toMatchObject({ done: 2, batches: [] });
  });

  it('are not let go because newer ones come all the time', () => {
    const world = new World();
    let longest = 0;
    for (let second = 0; second < 600; second++) {
      world.lastSeq += 3;
      longest = Math.max(longest, world.search().length);
      world.nowMs += 1_000;
      expect(world.cursor.batches.length).toBeLessThan(12);
    }
    expect(world.cursor.done).toBeGreaterThan(1_500);
    expect(longest).toBeLessThan(300);
  });

  it('write nothing while a reader polls an empty or a settled mailbox', () => {
    const world = new World();
    const before = world.cursor;
    world.search();
    expect(world.cursor).toBe(before);
    world.lastSeq = 1;
    for (let turn = 0; turn < 3; turn++) world.search();
    const settled = world.cursor;
    world.search();
    expect(world.cursor).toBe(settled);
  });

  it('are got by every reader that never loses more than two answers in a row', () => {
    const step = fc.record({
      newKeys: fc.nat(5),
      pauseMs: fc.oneof(fc.nat(5_000), fc.nat(3 * minuteMs), fc.nat(100 * minuteMs)),
      isLost: fc.boolean(),
      isNoted: fc.boolean(),
    });
    // An answer holds at most so many bytes, the same for all.
    const most = fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 4 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), most, (steps, keysOfAnAnswer) => {
        const world = new World();
        let lostInARow = 0;
        for (const { newKeys, pauseMs, ...answer } of steps) {
          world.lastSeq += newKeys;
          const isLost = answer.isLost && lostInARow < 2;
          lostInARow = isLost ? lostInARow + 1 : 0;
          world.search({ ...answer, isLost, most: keysOfAnAnswer });
          // What is let go has been received.
          for (let key = 1; key <= world.cursor.done; key++) expect(world.received.has(key)).toBe(true);
          world.nowMs += pauseMs;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('are got after any number of lost answers while the reader tries again within a minute', () => {
    const world = new World();
    world.lastSeq = 1;
    for (let turn = 0; turn < 50; turn++) {
      world.search({ isLost: true });
      world.nowMs += 1_000;
    }
    expect(world.search()).toEqual([1]);
  });
});
