// The group commit: changes that wait for one cursor are applied together in one compare-and-set (design §4).

import { BrokerError } from '../../broker-error';
import type { Cursor } from '../../messages/cursor';
import type { CursorChange } from '../../messages/message-log';
import type { CursorRoom } from './cursor-keys';
import type { CursorLane, CursorLanes, CursorVersion, WaitingChange } from './cursor-lanes';
import { CursorNonces } from './cursor-nonces';
import { RevisionConflict, UnknownOutcome } from './key-value';
import { cursorKeysBeside } from './names';
import type { ServerClock } from './server-clock';

/** Compare-and-sets tried for one group of changes. */
const maxAttempts = 24;
/** Longest pause after one: all of them together stay within a second and a half. Unit: ms. */
const maxPauseMs = 60;

export class CursorCommit {
  readonly #nonces = new CursorNonces();

  constructor(
    private readonly lanes: CursorLanes,
    private readonly clock: ServerClock,
    private readonly room: CursorRoom,
  ) {}

  /** Applies a change with the next group of its cursor. @throws what the change throws, or BrokerError */
  submit<Outcome>(lane: CursorLane, change: CursorChange<Outcome>, atLeast: number): Promise<Outcome> {
    return new Promise<Outcome>((resolve, reject) => {
      lane.waiting.push({ change, atLeast, resolve: resolve as (outcome: unknown) => void, reject });
      if (!lane.isRunning) void this.#run(lane);
    });
  }

  async #run(lane: CursorLane): Promise<void> {
    this.lanes.begin(lane);
    try {
      while (lane.waiting.length) {
        const group = lane.waiting;
        lane.waiting = [];
        try {
          await sleep(await this.#commit(lane, group));
        } catch (error) {
          for (const { reject } of group) reject(error);
        }
      }
    } finally {
      this.lanes.end(lane);
    }
  }

  /**
   * Applies a group of changes together and writes once, again and again until nobody came between.
   * @returns how long to leave the record to other instances. Unit: ms
   */
  async #commit(lane: CursorLane, group: readonly WaitingChange[]): Promise<number> {
    // A change that changes nothing must be judged on a version that is not older than its caller's.
    let fresh = false;
    // By nonce, what each attempt that was not answered would have told.
    const attempted = new Map<number, () => void>();
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (!lane.known) {
        lane.known = await lane.fetch();
        fresh = true;
      }
      const beganAt = performance.now();
      const base = lane.known;
      // One of them may have been carried out after we looked: applied again, its leases would be held by nobody.
      const landed = attempted.get(this.#nonces.lastOf(base.cursor));
      if (landed) {
        landed();
        return 0;
      }
      const nowMs = await this.clock.now();
      const { cursor, settle } = applyAll(base.cursor, group, nowMs);
      if (cursor === base.cursor) {
        if (fresh || group.every(({ atLeast }) => atLeast <= base.revision)) {
          settle();
          return 0;
        }
        lane.known = undefined;
        continue;
      }
      if (base.revision === 0 && attempt === 1) await this.room.take(lane.shard, cursorKeysBeside(lane.key));
      const nonce = this.#nonces.take();
      attempted.set(nonce, settle);
      const written = await this.#write(lane, base, this.#nonces.sign(cursor, nonce, nowMs), nonce);
      if (written) {
        lane.writeMs = performance.now() - beganAt;
        this.lanes.remember(lane, written);
        settle();
        return this.#nonces.turnsOfOthers(cursor, nowMs) * lane.writeMs;
      }
      // Short, as the winner waits now, and not the same for all who lost.
      await sleep(Math.random() * (1 + lane.writeMs));
    }
    throw new BrokerError('cursor-contended', 'Too many instances change this cursor at once.', {
      retryAfterSeconds: 1,
    });
  }

  /**
   * One compare-and-set. Undefined when it was lost; then the lane knows the version that won. When the answer was
   * lost, or a repetition inside the server makes a success look like a conflict, the nonce in the record tells.
   */
  async #write(
    lane: CursorLane,
    base: CursorVersion,
    signed: Cursor,
    nonce: number,
  ): Promise<CursorVersion | undefined> {
    const bytes = lane.encode(signed);
    try {
      const revision = await lane.bucket.put(lane.key, bytes, { previousRevision: base.revision });
      return { cursor: signed, revision, bytes: bytes.byteLength };
    } catch (error) {
      lane.known = undefined;
      if (!(error instanceof RevisionConflict) && !(error instanceof UnknownOutcome)) throw error;
      const found = await lane.fetch();
      lane.known = found;
      return this.#nonces.lastOf(found.cursor) === nonce ? found : undefined;
    }
  }
}

/** Applies changes in turn. One that throws is left out, and its caller is told; the others go on. */
function applyAll(
  base: Cursor,
  group: readonly WaitingChange[],
  nowMs: number,
): { readonly cursor: Cursor; readonly settle: () => void } {
  let cursor = base;
  const settlements = group.map(({ change, resolve, reject }) => {
    try {
      const step = change(cursor, nowMs);
      cursor = step.cursor;
      return () => resolve(step.outcome);
    } catch (error) {
      return () => reject(error);
    }
  });
  return { cursor, settle: () => settlements.forEach((settle) => settle()) };
}

/** @param ms cut to the longest pause; 0 for none */
async function sleep(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(ms, maxPauseMs)));
}
