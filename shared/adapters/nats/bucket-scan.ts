// Reads many entries of a bucket at once, in the order in which they were written, by direct gets in batches. Any
// replica answers those, so the leader is asked how far there is to read: what was written before a scan is in it.

import { BrokerError } from '../../broker-error';
import type { DirectGet } from './direct-get';
import type { JetStream } from './jetstream';
import { type KeyValueEntry, type Provision, withBucket } from './key-value';
import { bucketStream, bucketSubject } from './names';

export interface ScannedEntry extends KeyValueEntry {
  readonly key: string;
}

export interface Scan {
  /** In the order of their revisions; of an entry that was rewritten meanwhile the older form may come as well. */
  readonly entries: readonly ScannedEntry[];
  /** Of the last entry that the filter names, as the leader has it: from here on a later scan goes on. */
  readonly revision: number;
}

const batchEntries = 1_000;
const batchBytes = 4 * 1024 * 1024;
/** How long a scan waits for a replica that is behind. Unit: ms. */
const replicaPatienceMs = 5_000;
const pauseMs = 5;

export class BucketScan {
  /** @param bucket one that allows direct gets */
  constructor(
    private readonly jetStream: JetStream,
    private readonly directGet: DirectGet,
    private readonly bucket: string,
    private readonly provision: Provision,
  ) {}

  /**
   * All entries that a filter names (`*`, `>`) and that were written after a revision.
   * @throws BrokerError `message-store-unavailable`
   */
  after(filter: string, revision: number): Promise<Scan> {
    return withBucket(this.provision, () => this.#after(filter, revision));
  }

  async #after(filter: string, revision: number): Promise<Scan> {
    if (revision > 0) {
      // What a later scan mostly finds: nothing. The stream's state is asked in no time, a filter's last entry is not.
      const state = await this.jetStream.streamState(bucketStream(this.bucket));
      if (state?.lastSeq === revision) return { entries: [], revision };
    }
    const endsAt = performance.now() + replicaPatienceMs;
    const entries: ScannedEntry[] = [];
    let reached = revision;
    for (;;) {
      // Asked anew after each batch: an entry that is rewritten meanwhile moves to the end.
      const last = await this.jetStream.lastBySubject(
        bucketStream(this.bucket),
        bucketSubject(this.bucket, filter),
      );
      if (!last || last.seq <= reached) return { entries, revision: last?.seq ?? 0 };
      const page = await this.page(filter, reached, batchEntries);
      entries.push(...page.entries);
      if (page.revision > reached) {
        reached = page.revision;
        continue;
      }
      if (performance.now() > endsAt) {
        throw new BrokerError('message-store-unavailable', 'No replica has the newest entries; try again.', {
          retryAfterSeconds: 1,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** One batch, as whichever replica answers has it. */
  async page(filter: string, revision: number, max: number): Promise<Scan> {
    await this.provision();
    const { messages } = await this.directGet.read(bucketStream(this.bucket), {
      seq: revision + 1,
      next_by_subj: bucketSubject(this.bucket, filter),
      batch: max,
      max_bytes: batchBytes,
    });
    const prefix = bucketSubject(this.bucket, '').length;
    return {
      // A marker left by another tool says that there is no entry.
      entries: messages
        .filter(({ header }) => header('KV-Operation') === '')
        .map(({ subject, seq, data }) => ({ key: subject.slice(prefix), revision: seq, value: data })),
      revision: messages.at(-1)?.seq ?? revision,
    };
  }
}
