// What must exist in NATS before it is used: message streams, buckets, the recorded shard count, and the
// generation of each stream. Made at the first use of each part, by whichever instance comes first.

import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import { BrokerError } from '../../broker-error';
import type { Log } from '../../log';
import { parseRetentionClass } from '../../retention/retention-class';
import type { JetStream } from './jetstream';
import {
  type BucketOptions,
  bucketConfig,
  JetStreamBucket,
  type KeyValueBucket,
  RevisionConflict,
  UnknownOutcome,
} from './key-value';
import { cursorBucket, layoutBucket, mailStream, mailSubjects, newMailSubjects } from './names';

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
const generationKey = 'ddhub-generation';
const classesKey = 'classes';
const maxGeneration = 255;

export class StoreLayout {
  readonly #streams = new Map<string, Promise<unknown>>();
  readonly #generations = new Map<number, Promise<number>>();
  readonly #layout: KeyValueBucket;
  #agreed: Promise<void> | undefined;
  /** Names of the classes of which messages may be stored: the configured ones and earlier ones. */
  #classes: readonly string[];

  constructor(
    private readonly jetStream: JetStream,
    private readonly options: StoreLayoutOptions,
  ) {
    this.#layout = this.bucket(layoutBucket);
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

  /** A function that makes sure that a bucket exists; cheap after its first success. */
  provision(name: string, options: Omit<BucketOptions, 'replicas'> = {}): () => Promise<unknown> {
    const config = bucketConfig(name, { replicas: this.options.replicas, ...options });
    return () => once(this.#streams, config.name, () => this.#ensure(config));
  }

  /** The cursors of a shard's mailboxes; an idle cursor is forgotten when it has nothing left to remember. */
  cursors(shard: number): KeyValueBucket {
    return this.bucket(cursorBucket(shard), { ttlMs: this.longestMemoryMs });
  }

  /**
   * Makes sure that a shard's stream exists and tells its generation: 1 at first, one more each time that the
   * stream was lost and made again, so that ids and cursors of a lost stream are never taken for the new one's.
   */
  async generation(shard: number): Promise<number> {
    await this.#agree();
    return once(this.#generations, shard, () => this.#ensureMailStream(shard));
  }

  /** Creates a stream, or brings an existing one to the wanted configuration. */
  async #ensure(wanted: Partial<StreamConfig> & { name: string }): Promise<void> {
    const existing = await this.jetStream.streamState(wanted.name);
    if (!existing) {
      if (await this.jetStream.createStream(wanted)) return;
      return this.#ensure(wanted);
    }
    const changed = changedFields(existing.config, wanted);
    if (!changed.length) return;
    this.options.log('info', 'stream configuration changed', { stream: wanted.name, changed });
    await this.jetStream.updateStream({ ...existing.config, ...wanted });
  }

  async #ensureMailStream(shard: number): Promise<number> {
    const name = mailStream(shard);
    const existing = await this.jetStream.streamState(name);
    if (existing) {
      const generation = Number(existing.config.metadata?.[generationKey] ?? 1);
      await this.#ensure(this.#mailConfig(shard, generation));
      return generation;
    }
    const generation = await this.#nextGeneration(shard);
    if (generation > 1)
      this.options.log('error', 'message stream was lost and is made again', { name, generation });
    // Another instance may have been faster, with a generation of its own: then its stream counts.
    return (await this.jetStream.createStream(this.#mailConfig(shard, generation)))
      ? generation
      : this.#ensureMailStream(shard);
  }

  async #nextGeneration(shard: number): Promise<number> {
    const key = `generation.${shard}`;
    const entry = await this.#layout.get(key);
    const next = entry ? Number(Buffer.from(entry.value).toString()) + 1 : 1;
    if (next > maxGeneration) {
      throw new BrokerError('internal', `Shard ${shard} was lost more than ${maxGeneration} times.`);
    }
    try {
      await this.#layout.put(key, Buffer.from(String(next)), { previousRevision: entry?.revision ?? 0 });
      return next;
    } catch (error) {
      if (error instanceof RevisionConflict) return this.#nextGeneration(shard);
      throw error;
    }
  }

  #mailConfig(shard: number, generation: number): Partial<StreamConfig> & { name: string } {
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
      metadata: { [generationKey]: String(generation) },
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

  /** Changes the recorded list of classes; an unchanged one is not written. */
  async #changeClasses(change: (names: readonly string[]) => readonly string[]): Promise<readonly string[]> {
    const entry = await this.#layout.get(classesKey);
    const names = entry ? (JSON.parse(Buffer.from(entry.value).toString()) as readonly string[]) : [];
    const changed = change(names);
    if (changed.join() === names.join()) return changed;
    try {
      await this.#layout.put(classesKey, Buffer.from(JSON.stringify(changed)), {
        previousRevision: entry?.revision ?? 0,
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

/** Names of the wanted fields that an existing configuration lacks; metadata is compared by our own keys. */
function changedFields(existing: StreamConfig, wanted: Partial<StreamConfig>): string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => {
      const present = existing[name as keyof StreamConfig] as unknown;
      if (name === 'metadata') {
        const known = (present ?? {}) as Record<string, string>;
        return Object.entries(value as Record<string, string>).some(([key, text]) => known[key] !== text);
      }
      // The server leaves out what is false or zero.
      return JSON.stringify(present ?? falsy(value)) !== JSON.stringify(value);
    })
    .map(([name]) => name);
}

function falsy(value: unknown): unknown {
  return value === false || value === 0 ? value : undefined;
}
