// Key-value buckets on JetStream, in the layout of the NATS key-value convention (ADR-8) so that the `nats` tool
// reads them too. Reads ask the leader; a record is changed by compare-and-set on its revision.

import { StorageType, type StreamConfig } from 'nats';
import { BrokerError } from '../../broker-error';
import type { JetStream } from './jetstream';
import { bucketStream, bucketSubject } from './names';
import { isStreamMissing, retryOf, toBrokerError } from './nats-errors';

export interface KeyValueEntry {
  readonly value: Uint8Array;
  /** Sequence of the entry in its bucket's stream; what `previousRevision` is compared with. */
  readonly revision: number;
}

/** A compare-and-set was lost: the entry is no longer at the expected revision. */
export class RevisionConflict extends Error {
  constructor(cause?: unknown) {
    super('The entry has another revision.', { cause });
    this.name = 'RevisionConflict';
  }
}

/** A write was not answered: it may or may not have been carried out. Who does not look gives the caller a 503. */
export class UnknownOutcome extends BrokerError {
  constructor(cause?: unknown) {
    super('message-store-unavailable', 'The message store did not answer in time.', {
      cause,
      retryAfterSeconds: 5,
    });
    this.name = 'UnknownOutcome';
  }
}

export interface BucketOptions {
  readonly replicas: number;
  /** Entries older than this are dropped by the server. Unit: ms; absent: kept for ever. */
  readonly ttlMs?: number;
  /** Lets many entries be read at once, from any replica (see bucket-scan.ts). */
  readonly allowDirect?: boolean;
}

/** The stream behind a bucket: history 1, leader reads only. */
export function bucketConfig(
  bucket: string,
  options: BucketOptions,
): Partial<StreamConfig> & { name: string } {
  return {
    name: bucketStream(bucket),
    subjects: [bucketSubject(bucket, '>')],
    max_msgs_per_subject: 1,
    storage: StorageType.File,
    num_replicas: options.replicas,
    max_age: (options.ttlMs ?? 0) * 1e6,
    allow_rollup_hdrs: true,
    deny_delete: true,
    // Off, so that also others' tools are answered by the leader. The broker's own single reads always are.
    allow_direct: options.allowDirect ?? false,
  };
}

export interface KeyValueBucket {
  /** The entry as the leader has it; undefined when absent or removed. */
  get(key: string): Promise<KeyValueEntry | undefined>;
  /**
   * Writes and returns the new revision. With `previousRevision` (0: must not exist) it is a compare-and-set.
   * @throws RevisionConflict, UnknownOutcome (compare-and-set only), BrokerError
   */
  put(key: string, value: Uint8Array, options?: { readonly previousRevision?: number }): Promise<number>;
  /**
   * Removes an entry, or all that a filter with `*` or `>` names, without leaving tombstones. With `upToRevision`
   * what was written after it stays.
   */
  remove(key: string, upToRevision?: number): Promise<void>;
}

/** Makes sure that a bucket exists. Cheap after the first time, unless it is to look again. */
export type Provision = (again?: 'again') => Promise<unknown>;

/** Works with a bucket that exists, also when somebody has deleted it since it was looked at. */
export async function withBucket<Result>(provision: Provision, work: () => Promise<Result>): Promise<Result> {
  await provision();
  try {
    return await work();
  } catch (error) {
    if (!isStreamMissing(error)) throw error;
    await provision('again');
    return work();
  }
}

export class JetStreamBucket implements KeyValueBucket {
  constructor(
    private readonly jetStream: JetStream,
    private readonly bucket: string,
    private readonly provision: Provision,
  ) {}

  async get(key: string): Promise<KeyValueEntry | undefined> {
    const message = await withBucket(this.provision, () =>
      this.jetStream.lastBySubject(bucketStream(this.bucket), bucketSubject(this.bucket, key)),
    );
    if (!message || message.headers.has('KV-Operation')) return undefined;
    return { value: message.data, revision: message.seq };
  }

  async put(
    key: string,
    value: Uint8Array,
    options: { readonly previousRevision?: number } = {},
  ): Promise<number> {
    const subject = bucketSubject(this.bucket, key);
    const { previousRevision } = options;
    const write = () =>
      previousRevision === undefined
        ? this.jetStream.publish(subject, value, {})
        : this.jetStream.publishOnce(subject, value, {
            'Nats-Expected-Last-Subject-Sequence': String(previousRevision),
          });
    try {
      return (await withBucket(this.provision, write)).seq;
    } catch (error) {
      const retry = retryOf(error);
      if (retry === 'conflict') throw new RevisionConflict(error);
      if (previousRevision !== undefined && (retry === 'unknown-outcome' || retry === 'later')) {
        throw new UnknownOutcome(error);
      }
      throw toBrokerError(error);
    }
  }

  async remove(key: string, upToRevision?: number): Promise<void> {
    await withBucket(this.provision, () =>
      this.jetStream.purge(
        bucketStream(this.bucket),
        bucketSubject(this.bucket, key),
        upToRevision === undefined ? undefined : upToRevision + 1,
      ),
    );
  }
}
