// Cursors in key-value buckets. Changes to one cursor inside an instance are group-committed: those that wait are
// applied together in one compare-and-set (design §4). Between instances the compare-and-set decides.

import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../broker-error';
import { type Cursor, CursorCodec, newCursor } from '../../messages/cursor';
import type { Mailbox } from '../../messages/mailbox';
import type {
  ClientCursors,
  CursorChange,
  CursorName,
  CursorStore,
  LoadedCursor,
} from '../../messages/message-log';
import { type KeyValueBucket, type KeyValueEntry, RevisionConflict, UnknownOutcome } from './key-value';
import { mapConcurrently } from '../../map-concurrently';
import { addressOf, cursorKey, cursorKeysBeside, cursorKeysOfClient } from './names';
import { type CursorRoom, listCursorKeys } from './cursor-keys';
import type { JetStream } from './jetstream';
import type { ServerClock } from './server-clock';
import type { StoreLayout } from './store-layout';

/** Compare-and-sets tried for one group of changes, and the longest pause after one. */
const maxAttempts = 24;
const maxPauseMs = 60;
/** Instances that have not written for this long are dropped from a record. Unit: ms. */
const silentInstanceMs = 60_000;
/** And those that have written within this time may want to write again. Unit: ms. */
const activeInstanceMs = 10_000;
/** What a turn of another instance lasts, in writes of this one: it reads the record first. */
const writesPerTurn = 3;
/** Of one client id, read or changed at once. */
const concurrentCursors = 32;
const cachedRecords = 2_000;
const cachedBytes = 64 * 1024 * 1024;

interface Version {
  readonly cursor: Cursor;
  readonly revision: number;
  /** Length of the stored record. Unit: bytes. */
  readonly bytes: number;
}

interface Waiting {
  readonly change: CursorChange<unknown>;
  readonly atLeast: number;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One cursor inside this instance: its last known version and the changes that wait for the next write. */
interface Lane {
  readonly shard: number;
  readonly bucket: KeyValueBucket;
  readonly key: string;
  readonly generation: number;
  readonly codec: CursorCodec;
  known: Version | undefined;
  waiting: Waiting[];
  running: boolean;
  /** How long the last change took, from its decision to the server's answer. Unit: ms. */
  writeMs: number;
}

/** Where a cursor's record lies. */
export interface CursorAddress {
  readonly shard: number;
  readonly key: string;
}

export class JetStreamCursorStore implements CursorStore, ClientCursors {
  readonly #instance = randomBytes(6).toString('base64url');
  #nextNonce = 1;
  readonly #lanes = new LRUCache<string, Lane>({
    max: cachedRecords,
    maxSize: cachedBytes,
    sizeCalculation: (lane) => (lane.known?.bytes ?? 0) + 256,
  });
  /** Lanes with work on its way stay, whatever the cache drops: one compare-and-set per cursor at a time. */
  readonly #busy = new Map<string, Lane>();
  readonly #buckets = new Map<number, KeyValueBucket>();

  constructor(
    private readonly jetStream: JetStream,
    private readonly layout: StoreLayout,
    private readonly clock: ServerClock,
    private readonly room: CursorRoom,
  ) {}

  async load(name: CursorName): Promise<LoadedCursor> {
    const lane = await this.#lane(this.#address(name));
    const [{ cursor, revision }, nowMs] = await Promise.all([this.#read(lane), this.clock.now()]);
    return { cursor, revision, nowMs };
  }

  update<Outcome>(name: CursorName, change: CursorChange<Outcome>, atLeast = Infinity): Promise<Outcome> {
    return this.updateAt(this.#address(name), change, atLeast);
  }

  async loadAll(mailbox: Mailbox, clientId: string): Promise<readonly LoadedCursor[]> {
    const addresses = await this.#addresses(mailbox, clientId);
    return mapConcurrently(addresses, concurrentCursors, (address) => this.lookAt(address));
  }

  async updateAll<Outcome>(
    mailbox: Mailbox,
    clientId: string,
    change: CursorChange<Outcome>,
  ): Promise<readonly Outcome[]> {
    const addresses = await this.#addresses(mailbox, clientId);
    const contended: unknown[] = [];
    const results = await mapConcurrently(addresses, concurrentCursors, async (address) => {
      try {
        return await this.updateAt(address, (found, nowMs) => {
          const { cursor, outcome } = change(found, nowMs);
          return { cursor, outcome: { outcome, isChanged: cursor !== found } };
        });
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code !== 'cursor-contended') throw error;
        contended.push(error);
        return undefined;
      }
    });
    const done = results.filter((result) => result !== undefined);
    if (contended.length && !done.some(({ isChanged }) => isChanged)) throw contended[0];
    return done.map(({ outcome }) => outcome);
  }

  /**
   * The record under a key, whoever's it is: for what looks at many of them. It is not remembered, or it would push out
   * those in use.
   */
  async lookAt({ shard, key }: CursorAddress): Promise<LoadedCursor> {
    const generation = await this.layout.generation(shard);
    const read = async (): Promise<Version> => {
      const lane = this.#knownLane(key, generation);
      if (lane) return this.#read(lane);
      return decode({ generation, codec: new CursorCodec() }, await this.#bucket(shard).get(key));
    };
    const [{ cursor, revision }, nowMs] = await Promise.all([read(), this.clock.now()]);
    return { cursor, revision, nowMs };
  }

  async updateAt<Outcome>(
    address: CursorAddress,
    change: CursorChange<Outcome>,
    atLeast = Infinity,
  ): Promise<Outcome> {
    const found = await this.#lane(address);
    // The cache may have dropped the lane and another caller begun a new one.
    const busy = this.#busy.get(found.key);
    const lane = busy?.generation === found.generation ? busy : found;
    return new Promise<Outcome>((resolve, reject) => {
      lane.waiting.push({ change, atLeast, resolve: resolve as (outcome: unknown) => void, reject });
      if (!lane.running) void this.#run(lane);
    });
  }

  async #addresses(mailbox: Mailbox, clientId: string): Promise<readonly CursorAddress[]> {
    const { shard, token } = addressOf(mailbox, this.layout.shardCount);
    const keys = await listCursorKeys(this.jetStream, shard, cursorKeysOfClient(token, clientId));
    return keys.map((key) => ({ shard, key }));
  }

  #address({ mailbox, clientId, from }: CursorName): CursorAddress {
    const { shard, token } = addressOf(mailbox, this.layout.shardCount);
    return { shard, key: cursorKey(token, clientId, from) };
  }

  async #lane({ shard, key }: CursorAddress): Promise<Lane> {
    const generation = await this.layout.generation(shard);
    const existing = this.#knownLane(key, generation);
    if (existing) return existing;
    const bucket = this.#bucket(shard);
    const codec = new CursorCodec();
    const lane: Lane = {
      shard,
      bucket,
      key,
      generation,
      codec,
      known: undefined,
      waiting: [],
      running: false,
      writeMs: 0,
    };
    this.#lanes.set(key, lane);
    return lane;
  }

  #knownLane(key: string, generation: number): Lane | undefined {
    const lane = this.#busy.get(key) ?? this.#lanes.get(key);
    // A stream that was lost takes what is known of its cursors with it.
    return lane?.generation === generation ? lane : undefined;
  }

  #bucket(shard: number): KeyValueBucket {
    let bucket = this.#buckets.get(shard);
    if (!bucket) {
      bucket = this.layout.cursors(shard);
      this.#buckets.set(shard, bucket);
    }
    return bucket;
  }

  /** The record as the leader has it. An unchanged one is not decoded again. */
  async #read(lane: Lane): Promise<Version> {
    const entry = await lane.bucket.get(lane.key);
    const revision = entry?.revision ?? 0;
    const known = lane.known;
    if (known && known.revision >= revision && !(revision === 0 && known.revision > 0)) return known;
    const version = decode(lane, entry);
    // While a write is on its way, it decides what is known.
    if (!lane.running) this.#remember(lane, version);
    return version;
  }

  #remember(lane: Lane, version: Version): void {
    lane.known = version;
    this.#lanes.set(lane.key, lane);
  }

  async #run(lane: Lane): Promise<void> {
    lane.running = true;
    this.#busy.set(lane.key, lane);
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
      lane.running = false;
      if (this.#busy.get(lane.key) === lane) this.#busy.delete(lane.key);
    }
  }

  /**
   * Applies a group of changes together and writes once, again and again until nobody came between.
   * @returns how long to leave the record to other instances. Unit: ms
   */
  async #commit(lane: Lane, group: readonly Waiting[]): Promise<number> {
    // A change that changes nothing must be judged on a version that is not older than its caller's.
    let fresh = false;
    // By nonce, what each attempt that was not answered would have told.
    const attempted = new Map<number, () => void>();
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (!lane.known) {
        lane.known = decode(lane, await lane.bucket.get(lane.key));
        fresh = true;
      }
      const beganAt = performance.now();
      const base = lane.known;
      // One of them may have been carried out after we looked: applied again, its leases would be held by nobody.
      const landed = attempted.get(this.#lastNonce(base.cursor));
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
      const nonce = this.#nextNonce++;
      attempted.set(nonce, settle);
      const written = await this.#write(lane, base, cursor, nonce, nowMs);
      if (written) {
        lane.writeMs = performance.now() - beganAt;
        this.#remember(lane, written);
        settle();
        return this.#turnsOfOthers(cursor, nowMs) * lane.writeMs;
      }
      // Short, as the winner waits now, and not the same for all who lost.
      await sleep(Math.random() * (1 + lane.writeMs));
    }
    throw new BrokerError('cursor-contended', 'Too many instances change this cursor at once.', {
      retryAfterSeconds: 1,
    });
  }

  /**
   * One compare-and-set. Undefined when it was lost; then the lane has forgotten its version. When the answer was
   * lost, or a repetition inside the server makes a success look like a conflict, the nonce in the record tells.
   */
  async #write(
    lane: Lane,
    base: Version,
    cursor: Cursor,
    nonce: number,
    nowMs: number,
  ): Promise<Version | undefined> {
    const signed = this.#withNonce(cursor, nonce, nowMs);
    const bytes = lane.codec.encode(signed);
    try {
      const revision = await lane.bucket.put(lane.key, bytes, { previousRevision: base.revision });
      return { cursor: signed, revision, bytes: bytes.byteLength };
    } catch (error) {
      lane.known = undefined;
      if (!(error instanceof RevisionConflict) && !(error instanceof UnknownOutcome)) throw error;
      const found = decode(lane, await lane.bucket.get(lane.key));
      lane.known = found;
      return this.#lastNonce(found.cursor) === nonce ? found : undefined;
    }
  }

  /** Of this instance's last write to a cursor; 0 for none. */
  #lastNonce({ nonces }: Cursor): number {
    return nonces.find(({ instance }) => instance === this.#instance)?.nonce ?? 0;
  }

  /**
   * Whoever has just written knows the newest version, and would win again and again. Where other instances write the
   * same record it lets each of them read and write once; what it is asked for meanwhile goes into its next group.
   * @returns in writes of this instance
   */
  #turnsOfOthers({ nonces }: Cursor, nowMs: number): number {
    const others = nonces.filter(
      ({ instance, timeMs }) => instance !== this.#instance && timeMs > nowMs - activeInstanceMs,
    );
    return others.length * writesPerTurn;
  }

  #withNonce(cursor: Cursor, nonce: number, nowMs: number): Cursor {
    const others = cursor.nonces.filter(
      ({ instance, timeMs }) => instance !== this.#instance && timeMs > nowMs - silentInstanceMs,
    );
    return { ...cursor, nonces: [...others, { instance: this.#instance, nonce, timeMs: nowMs }] };
  }
}

function decode(lane: Pick<Lane, 'codec' | 'generation'>, entry: KeyValueEntry | undefined): Version {
  if (!entry) return { cursor: newCursor(lane.generation), revision: 0, bytes: 0 };
  const stored = lane.codec.decode(entry.value);
  // Sequences of a stream that was lost mean nothing in the one that took its place.
  const cursor = stored.generation === lane.generation ? stored : newCursor(lane.generation);
  return { cursor, revision: entry.revision, bytes: entry.value.byteLength };
}

/** Applies changes in turn. One that throws is left out, and its caller is told; the others go on. */
function applyAll(
  base: Cursor,
  group: readonly Waiting[],
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
