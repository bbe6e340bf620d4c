// Cursors in key-value buckets. Changes to one cursor inside an instance are group-committed: those that wait are
// applied together in one compare-and-set (design §4). Between instances the compare-and-set decides.

import { BrokerError } from '../../broker-error';
import type { Mailbox } from '../../messages/mailbox';
import type {
  ClientCursors,
  CursorChange,
  CursorName,
  CursorStore,
  LoadedCursor,
} from '../../messages/message-log';
import { mapConcurrently } from '../../map-concurrently';
import { CursorCommit } from './cursor-commit';
import { type CursorRoom, listCursorKeys } from './cursor-keys';
import { CursorLane, CursorLanes, type CursorVersion } from './cursor-lanes';
import type { JetStream } from './jetstream';
import type { KeyValueBucket } from './key-value';
import { addressOf, cursorKey, cursorKeysOfClient } from './names';
import type { ServerClock } from './server-clock';
import type { StoreLayout } from './store-layout';

/** Of one client id, read or changed at once. */
const concurrentCursors = 32;

/** Where a cursor's record lies. */
export interface CursorAddress {
  readonly shard: number;
  readonly key: string;
}

export class JetStreamCursorStore implements CursorStore, ClientCursors {
  readonly #lanes = new CursorLanes();
  readonly #commit: CursorCommit;
  readonly #buckets = new Map<number, KeyValueBucket>();

  constructor(
    private readonly jetStream: JetStream,
    private readonly layout: StoreLayout,
    private readonly clock: ServerClock,
    room: CursorRoom,
  ) {
    this.#commit = new CursorCommit(this.#lanes, clock, room);
  }

  async load(name: CursorName): Promise<LoadedCursor> {
    const lane = await this.#lane(this.#address(name));
    const [{ cursor, revision }, nowMs] = await Promise.all([this.#read(lane), this.clock.now()]);
    return { cursor, revision, nowMs };
  }

  async known(name: CursorName): Promise<LoadedCursor | undefined> {
    const { known } = await this.#lane(this.#address(name));
    return known && { ...known, nowMs: await this.clock.now() };
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
    const lane = this.#lanes.find(key, generation);
    const read = lane ? this.#read(lane) : this.#newLane({ shard, key }, generation).fetch();
    const [{ cursor, revision }, nowMs] = await Promise.all([read, this.clock.now()]);
    return { cursor, revision, nowMs };
  }

  async updateAt<Outcome>(
    address: CursorAddress,
    change: CursorChange<Outcome>,
    atLeast = Infinity,
  ): Promise<Outcome> {
    const lane = await this.#lane(address);
    return this.#commit.submit(this.#lanes.current(lane), change, atLeast);
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

  async #lane(address: CursorAddress): Promise<CursorLane> {
    const generation = await this.layout.generation(address.shard);
    const existing = this.#lanes.find(address.key, generation);
    if (existing) return existing;
    const lane = this.#newLane(address, generation);
    this.#lanes.keep(lane);
    return lane;
  }

  #newLane({ shard, key }: CursorAddress, generation: number): CursorLane {
    return new CursorLane(shard, this.#bucket(shard), key, generation);
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
  async #read(lane: CursorLane): Promise<CursorVersion> {
    const entry = await lane.bucket.get(lane.key);
    const revision = entry?.revision ?? 0;
    const known = lane.known;
    if (known && known.revision >= revision && !(revision === 0 && known.revision > 0)) return known;
    const version = lane.decode(entry);
    // While a write is on its way, it decides what is known.
    if (!lane.isRunning) this.#lanes.remember(lane, version);
    return version;
  }
}
