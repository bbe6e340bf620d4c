// What must exist in NATS before it is used: message streams, buckets and the recorded shard count. Made at the first
// use of each part, by whichever instance comes first.

import { DiscardPolicy, RetentionPolicy, StorageType } from 'nats';
import { BrokerError } from '../../broker-error';
import type { Log } from '../../log';
import { parseRetentionClass } from '../../retention/retention-class';
import type { JetStream } from './jetstream';
import {
  type BucketOptions,
  bucketConfig,
  JetStreamBucket,
  type KeyValueBucket,
  type Provision,
  RevisionConflict,
  UnknownOutcome,
} from './key-value';
import { generationMetadata, MailStreams } from './mail-streams';
import { cursorBucket, layoutBucket, mailStream, mailSubjects, newMailSubjects } from './names';
import { ensureStream, type WantedStream } from './stream-configuration';

export interface StoreLayoutOptions {
  readonly shardCount: number;
  readonly replicas: number;
  readonly duplicateWindowSeconds: number;
  /** Names of the configured retention classes. */
  readonly retentionClasses: readonly string[];
  readonly log: Log;
}

/** Kept beyond the longest class, so that the timer, not `max_age`, is what ends a message. Unit: ms. */
const marginMs = 3_600_000;
const classesKey = 'classes';

export class StoreLayout {
  readonly #streams = new Map<string, Promise<unknown>>();
  readonly #layout: KeyValueBucket;
  readonly #mail: MailStreams;
  #agreed: Promise<void> | undefined;
  /** Names of the classes of which messages may be stored: the configured ones and earlier ones. */
  #classes: readonly string[];

  constructor(
    private readonly jetStream: JetStream,
    private readonly options: StoreLayoutOptions,
  ) {
    this.#layout = this.bucket(layoutBucket);
    this.#mail = new MailStreams({
      jetStream,
      layout: this.#layout,
      configOf: (shard, generation) => this.#mailConfig(shard, generation),
      log: options.log,
    });
    this.#classes = options.retentionClasses;
  }

  get shardCount(): number {
    return this.options.shardCount;
  }

  /**
   * Longest class, of those of which messages may be stored, and margin: how long anything about a message is worth
   * remembering. Unit: ms.
   */
  get longestMemoryMs(): number {
    return Math.max(...this.#classes.map((name) => parseRetentionClass(name).spanMs)) + marginMs;
  }

  /** Every class of which messages may be stored, longer than any list was configured. */
  async storedClasses(): Promise<readonly { readonly name: string; readonly configured: boolean }[]> {
    await this.#agree();
    return this.#classes.map((name) => ({
      name,
      configured: this.options.retentionClasses.includes(name),
    }));
  }

  /** Strikes a class off, of which nothing is stored any more. */
  async forgetClass(name: string): Promise<void> {
    this.#classes = await this.#changeClasses((names) => names.filter((known) => known !== name));
  }

  /** Asks the leader for the recorded shard count; rejects when it does not answer or does not fit. */
  check(): Promise<void> {
    return this.#compareShardCount();
  }

  /** A bucket of this broker, made at its first use. `ttlMs` drops entries that old. */
  bucket(name: string, options: Omit<BucketOptions, 'replicas'> = {}): KeyValueBucket {
    return new JetStreamBucket(this.jetStream, name, this.provision(name, options));
  }

  /** What makes sure that a bucket of this broker exists. */
  provision(name: string, options: Omit<BucketOptions, 'replicas'> = {}): Provision {
    return this.#provision(name, () => Promise.resolve(options));
  }

  #provision(name: string, optionsNow: () => Promise<Omit<BucketOptions, 'replicas'>>): Provision {
    const { replicas, log } = this.options;
    return (again) => {
      if (again) this.#streams.delete(name);
      return once(this.#streams, name, async () =>
        ensureStream(this.jetStream, bucketConfig(name, { replicas, ...(await optionsNow()) }), log),
      );
    };
  }

  /** The cursors of a shard's mailboxes; an idle cursor is forgotten when it has nothing left to remember. */
  cursors(shard: number): KeyValueBucket {
    const name = cursorBucket(shard);
    const provision = this.#provision(name, async () => {
      await this.#agree();
      await this.#readClasses();
      return { ttlMs: this.longestMemoryMs };
    });
    return new JetStreamBucket(this.jetStream, name, provision);
  }

  /**
   * Makes sure that a shard's stream exists and tells its generation: 1 at first, one more each time that the
   * stream was lost and made again. Cheap; an instance notices within seconds that a stream was lost meanwhile.
   */
  async generation(shard: number): Promise<number> {
    await this.#agree();
    return this.#mail.generation(shard);
  }

  /** As generation(), of the stream as it is now. */
  async generationNow(shard: number): Promise<number> {
    await this.#agree();
    return this.#mail.look(shard);
  }

  /** See MailStreams. */
  lastSeq(shard: number): number {
    return this.#mail.lastSeq(shard);
  }

  async #mailConfig(shard: number, generation: number): Promise<WantedStream> {
    await this.#readClasses();
    const { replicas, duplicateWindowSeconds } = this.options;
    return {
      name: mailStream(shard),
      subjects: [mailSubjects(shard)],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      // A full store refuses new messages instead of dropping old ones.
      discard: DiscardPolicy.New,
      allow_direct: true,
      num_replicas: replicas,
      duplicate_window: duplicateWindowSeconds * 1e9,
      max_age: this.longestMemoryMs * 1e6,
      republish: { src: mailSubjects(shard), dest: newMailSubjects(shard), headers_only: true },
      metadata: generationMetadata(generation),
    };
  }

  /** What every instance must agree on, compared and recorded once: shard count and retention classes. */
  #agree(): Promise<void> {
    this.#agreed ??= this.#compareAndRecord().catch((error: unknown) => {
      this.#agreed = undefined;
      throw error;
    });
    return this.#agreed;
  }

  async #compareAndRecord(): Promise<void> {
    await this.#compareShardCount();
    this.#classes = await this.#changeClasses((names) => [
      ...new Set([...names, ...this.options.retentionClasses]),
    ]);
  }

  /** Another instance may have recorded a longer class since; what lives by it must not be cut short. */
  async #readClasses(): Promise<void> {
    const { names } = await this.#recordedClasses();
    this.#classes = [...new Set([...names, ...this.options.retentionClasses])];
  }

  async #recordedClasses(): Promise<{ readonly names: readonly string[]; readonly revision: number }> {
    const entry = await this.#layout.get(classesKey);
    if (!entry) return { names: [], revision: 0 };
    const names = JSON.parse(Buffer.from(entry.value).toString()) as readonly string[];
    return { names, revision: entry.revision };
  }

  /** Changes the recorded list of classes; an unchanged one is not written. */
  async #changeClasses(change: (names: readonly string[]) => readonly string[]): Promise<readonly string[]> {
    const { names, revision } = await this.#recordedClasses();
    const changed = change(names);
    if (changed.join() === names.join()) return changed;
    try {
      await this.#layout.put(classesKey, Buffer.from(JSON.stringify(changed)), {
        previousRevision: revision,
      });
      return changed;
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome)
        return this.#changeClasses(change);
      throw error;
    }
  }

  /** The shard count is fixed by whoever starts first: mailboxes would be looked for in the wrong stream. */
  async #compareShardCount(): Promise<void> {
    const wanted = this.options.shardCount;
    const entry = await this.#layout.get('shards');
    if (!entry) {
      try {
        await this.#layout.put('shards', Buffer.from(String(wanted)), { previousRevision: 0 });
        return;
      } catch (error) {
        if (error instanceof RevisionConflict) return this.#compareShardCount();
        throw error;
      }
    }
    const recorded = Number(Buffer.from(entry.value).toString());
    if (recorded === wanted) return;
    throw new BrokerError(
      'message-store-unavailable',
      `SHARD_COUNT is ${wanted}, but the message store was made with ${recorded}; set it back to ${recorded}.`,
    );
  }
}

/** Makes something once per key; a failure is not remembered, so the next use tries again. */
function once<Key, Value>(
  made: Map<Key, Promise<Value>>,
  key: Key,
  make: () => Promise<Value>,
): Promise<Value> {
  const known = made.get(key);
  if (known) return known;
  const making = make();
  made.set(key, making);
  making.catch(() => made.delete(key));
  return making;
}
