// The cursors that this instance has to do with: what is known of each record, and the changes that wait for the next
// write to it.

import { LRUCache } from 'lru-cache';
import { type Cursor, CursorCodec, newCursor } from '../../messages/cursor';
import type { CursorChange } from '../../messages/message-log';
import type { KeyValueBucket, KeyValueEntry } from './key-value';

const cachedRecords = 2_000;
const cachedBytes = 64 * 1024 * 1024;
/** Of a lane itself, beside its record. */
const laneBytes = 256;

export interface CursorVersion {
  readonly cursor: Cursor;
  readonly revision: number;
  /** Length of the stored record. Unit: bytes. */
  readonly bytes: number;
}

export interface WaitingChange {
  readonly change: CursorChange<unknown>;
  /** The revision that it may be judged on when it changes nothing. */
  readonly atLeast: number;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One cursor inside this instance: its last known version and the changes that wait for the next write. */
export class CursorLane {
  readonly #codec = new CursorCodec();
  known: CursorVersion | undefined;
  waiting: WaitingChange[] = [];
  isRunning = false;
  /** How long the last change took, from its decision to the server's answer. Unit: ms. */
  writeMs = 0;

  /** @param generation of the shard's stream, which the cursor's sequences speak of */
  constructor(
    readonly shard: number,
    readonly bucket: KeyValueBucket,
    readonly key: string,
    readonly generation: number,
  ) {}

  /** What lies under its key, as the leader has it. */
  async fetch(): Promise<CursorVersion> {
    return this.decode(await this.bucket.get(this.key));
  }

  decode(entry: KeyValueEntry | undefined): CursorVersion {
    if (!entry) return { cursor: newCursor(this.generation), revision: 0, bytes: 0 };
    const stored = this.#codec.decode(entry.value);
    // Sequences of a stream that was lost mean nothing in the one that took its place.
    const cursor = stored.generation === this.generation ? stored : newCursor(this.generation);
    return { cursor, revision: entry.revision, bytes: entry.value.byteLength };
  }

  encode(cursor: Cursor): Uint8Array {
    return this.#codec.encode(cursor);
  }
}

export class CursorLanes {
  readonly #lanes = new LRUCache<string, CursorLane>({
    max: cachedRecords,
    maxSize: cachedBytes,
    sizeCalculation: (lane) => (lane.known?.bytes ?? 0) + laneBytes,
  });
  /** Lanes with work on its way stay, whatever the cache drops: one compare-and-set per cursor at a time. */
  readonly #busy = new Map<string, CursorLane>();

  find(key: string, generation: number): CursorLane | undefined {
    const lane = this.#busy.get(key) ?? this.#lanes.get(key);
    // A stream that was lost takes what is known of its cursors with it.
    return lane?.generation === generation ? lane : undefined;
  }

  keep(lane: CursorLane): void {
    this.#lanes.set(lane.key, lane);
  }

  remember(lane: CursorLane, version: CursorVersion): void {
    lane.known = version;
    this.keep(lane);
  }

  /** The one that has work on its way, when the cache has dropped it and another caller has begun a new one. */
  current(lane: CursorLane): CursorLane {
    const busy = this.#busy.get(lane.key);
    return busy?.generation === lane.generation ? busy : lane;
  }

  begin(lane: CursorLane): void {
    lane.isRunning = true;
    this.#busy.set(lane.key, lane);
  }

  end(lane: CursorLane): void {
    lane.isRunning = false;
    if (this.#busy.get(lane.key) === lane) this.#busy.delete(lane.key);
  }
}
