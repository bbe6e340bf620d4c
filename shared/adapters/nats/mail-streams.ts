// Which stream is a shard's, and its generation: 1 at first, one more each time that the stream was lost and made
// again, so that ids and cursors of a lost stream are never taken for the new one's (design §4).
//
// The record of a shard says which stream counts, by the instant at which the server created it. A stream with another
// instant was made by a broker that had reserved a generation, which the stream's metadata names; or by hand, with or
// without a copy of such metadata: then it is given the next generation. While a shard is in use its stream is looked
// at again every few seconds, because nothing tells an instance that somebody has deleted it.

import { BrokerError } from '../../broker-error';
import type { Log } from '../../log';
import type { JetStream, StreamState } from './jetstream';
import { type KeyValueBucket, RevisionConflict, UnknownOutcome } from './key-value';
import { mailStream } from './names';
import { bringUpToDate, type WantedStream } from './stream-configuration';

/** While a shard is used, its stream is looked at this often; nobody waits for it. Unit: ms. */
const lookEveryMs = 5_000;
/** What was seen longer ago is looked at again before it is used. Unit: ms. */
const trustMs = 30_000;
const generationKey = 'ddhub-generation';
const maxGeneration = 255;

/** Metadata of a stream's configuration by which its maker says what it has reserved. */
export const generationMetadata = (generation: number): Record<string, string> => ({
  [generationKey]: String(generation),
});

export interface MailStreamsOptions {
  readonly jetStream: JetStream;
  /** Holds the record of each shard. */
  readonly layout: KeyValueBucket;
  /** The configuration that a shard's stream is to have now, with generationMetadata(). */
  readonly configOf: (shard: number, generation: number) => Promise<WantedStream>;
  readonly log: Log;
}

/** What is recorded of a shard. */
interface ShardRecord {
  /** The highest generation that anybody was given, whether or not its stream was ever made. */
  readonly reserved: number;
  /** The stream that counts; absent until one was seen. */
  readonly current?: { readonly generation: number; readonly createdAt: string };
}

interface Look {
  readonly done: Promise<Seen>;
  /** The one that begins when it is over. */
  next?: Promise<Seen>;
}

interface Seen {
  readonly generation: number;
  /** The stream's last sequence then. */
  readonly lastSeq: number;
  /** By the monotonic clock. Unit: ms. */
  readonly atMs: number;
}

export class MailStreams {
  readonly #seen = new Map<number, Seen>();
  /** On their way. */
  readonly #looks = new Map<number, Look>();
  readonly #planned = new Set<number>();

  constructor(private readonly options: MailStreamsOptions) {}

  /** Makes sure that a shard's stream exists and tells its generation; may be some seconds behind. */
  async generation(shard: number): Promise<number> {
    const seen = this.#seen.get(shard);
    if (!seen || performance.now() - seen.atMs > trustMs) return (await this.#joinOrBegin(shard)).generation;
    this.#planLook(shard, seen);
    return seen.generation;
  }

  /**
   * The stream's last sequence when it was last looked at. A message that is stored after this was asked, and gets no
   * higher sequence, lies in another stream: then look().
   */
  lastSeq(shard: number): number {
    return this.#seen.get(shard)?.lastSeq ?? 0;
  }

  /** Looks at the stream, not before this was asked. Returns its generation. */
  async look(shard: number): Promise<number> {
    const running = this.#looks.get(shard);
    if (!running) return (await this.#joinOrBegin(shard)).generation;
    // What is on its way may have looked before: who comes meanwhile shares the next one.
    const begin = (): Promise<Seen> => this.#joinOrBegin(shard);
    running.next ??= running.done.then(begin, begin);
    return (await running.next).generation;
  }

  /** For whom what a look on its way has seen is recent enough. */
  #joinOrBegin(shard: number): Promise<Seen> {
    const running = this.#looks.get(shard);
    if (running) return running.done;
    const done = this.#look(shard).finally(() => this.#looks.delete(shard));
    this.#looks.set(shard, { done });
    return done;
  }

  #planLook(shard: number, { atMs }: Seen): void {
    if (this.#planned.has(shard)) return;
    this.#planned.add(shard);
    const timer = setTimeout(
      () => {
        this.#planned.delete(shard);
        // What fails is tried again at the next use.
        this.#joinOrBegin(shard).catch(() => undefined);
      },
      Math.max(0, atMs + lookEveryMs - performance.now()),
    );
    // No reason to keep a process alive.
    timer.unref();
  }

  async #look(shard: number): Promise<Seen> {
    const { jetStream, configOf, log } = this.options;
    const atMs = performance.now();
    const name = mailStream(shard);
    const existing = await jetStream.streamState(name);
    if (!existing) {
      await this.#make(shard);
      return this.#look(shard);
    }
    const generation = await this.#generationOf(shard, existing);
    // Once in a process, or instances that want different things, while a new version takes the place of an old one,
    // would change it to and fro.
    if (this.#seen.get(shard)?.generation !== generation)
      await bringUpToDate(jetStream, existing, await configOf(shard, generation), log);
    const seen = { generation, lastSeq: existing.lastSeq, atMs };
    this.#seen.set(shard, seen);
    return seen;
  }

  /** The generation of the stream that there is, recorded. */
  async #generationOf(shard: number, stream: StreamState): Promise<number> {
    const { config, createdAt } = stream;
    const { record, revision } = await this.#read(shard);
    const { current, reserved } = record;
    if (current?.createdAt === createdAt) return current.generation;
    const said = Number(config.metadata?.[generationKey] ?? 0);
    const isReserved = said > (current?.generation ?? 0) && said <= reserved;
    const generation = isReserved ? said : next(shard, reserved);
    if (!isReserved && generation > 1) {
      this.options.log('error', 'message stream was made by hand', { name: config.name, generation });
    }
    const changed = { reserved: Math.max(reserved, generation), current: { generation, createdAt } };
    return (await this.#write(shard, changed, revision)) ? generation : this.#generationOf(shard, stream);
  }

  /** Makes the stream that was not there, unless another instance is faster. */
  async #make(shard: number): Promise<void> {
    const { jetStream, configOf, log } = this.options;
    const name = mailStream(shard);
    const { record, revision } = await this.#read(shard);
    // The record speaks of a stream: made since we looked, or lost.
    const wasThere = record.current !== undefined;
    if (wasThere && (await jetStream.streamState(name))) return;
    const generation = next(shard, record.reserved);
    if (!(await this.#write(shard, { ...record, reserved: generation }, revision))) return;
    if (wasThere) log('error', 'message stream was lost and is made again', { name, generation });
    // At the first start several instances may have reserved one each: the stream of the fastest counts.
    await jetStream.createStream(await configOf(shard, generation));
  }

  async #read(shard: number): Promise<{ readonly record: ShardRecord; readonly revision: number }> {
    const entry = await this.options.layout.get(keyOf(shard));
    if (!entry) return { record: { reserved: 0 }, revision: 0 };
    const stored = JSON.parse(Buffer.from(entry.value).toString()) as ShardRecord | number;
    // The first form of the record was the number alone.
    const record = typeof stored === 'number' ? { reserved: stored } : stored;
    return { record, revision: entry.revision };
  }

  /** False when somebody else was first, or may have been. */
  async #write(shard: number, record: ShardRecord, previousRevision: number): Promise<boolean> {
    try {
      await this.options.layout.put(keyOf(shard), Buffer.from(JSON.stringify(record)), { previousRevision });
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return false;
      throw error;
    }
  }
}

const keyOf = (shard: number): string => `generation.${shard}`;

function next(shard: number, reserved: number): number {
  if (reserved >= maxGeneration) {
    throw new BrokerError('internal', `Shard ${shard} was lost more than ${maxGeneration} times.`);
  }
  return reserved + 1;
}
