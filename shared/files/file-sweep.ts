// Removes files whose last message has ended, and slots that were never completed. The index only finds them; the
// record decides, and is marked as removed before the bytes go, so that nobody can begin to use them meanwhile.

import { dueAtMs, removed } from './file-record';
import type { FileContents, FileRecords } from './file-store';

export interface FileSweepDependencies {
  readonly records: FileRecords;
  readonly contents: FileContents;
  readonly clock: () => number;
}

/** Files found at once. */
const batchSize = 100;

export class FileSweep {
  constructor(private readonly dependencies: FileSweepDependencies) {}

  /**
   * Works until nothing is due or time is up, at least one file. What fails is found again.
   * @param isOutOfTime asked before each file but the first
   * @throws BrokerError `blob-store-unavailable`
   */
  async run(isOutOfTime: () => boolean): Promise<{ readonly removed: number }> {
    const { records, clock } = this.dependencies;
    let count = 0;
    const seen = new Set<string>();
    for (;;) {
      const found = (await records.findDue(clock(), batchSize)).filter((fileId) => !seen.has(fileId));
      // The index may lag: what it still names, and was seen, is left for the next time.
      if (!found.length) return { removed: count };
      for (const fileId of found) {
        if (seen.size && isOutOfTime()) return { removed: count };
        seen.add(fileId);
        if (await this.#removeDue(fileId)) count += 1;
      }
    }
  }

  async #removeDue(fileId: string): Promise<boolean> {
    const { records, contents, clock } = this.dependencies;
    let found = await records.read(fileId);
    if (!found || clock() < dueAtMs(found.record)) return false;
    if (found.record.state !== 'removed') {
      found = await records.replace(removed(found.record), found.version);
      // Somebody has just extended its life.
      if (!found) return false;
    }
    await contents.delete(fileId);
    return records.delete(fileId, found.version);
  }
}
