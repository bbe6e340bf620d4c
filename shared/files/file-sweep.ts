// Removes files whose last message has ended, and slots that were never completed. The index only finds them; the
// record decides, and is marked as removed before the bytes go, so that nobody can begin to use them meanwhile.

import { sweepDue } from '../sweep';
import { dueAtMs, removed } from './file-record';
import type { FileContents, FileRecords } from './file-store';

export interface FileSweepDependencies {
  readonly records: FileRecords;
  readonly contents: FileContents;
  readonly clock: () => number;
}

export class FileSweep {
  constructor(private readonly dependencies: FileSweepDependencies) {}

  /**
   * Works until nothing is due or time is up, at least one file. What fails is found again.
   * @param isOutOfTime asked before each file but the first
   * @throws BrokerError `blob-store-unavailable`
   */
  async run(isOutOfTime: () => boolean): Promise<{ readonly removed: number }> {
    const { records, clock } = this.dependencies;
    const removed = await sweepDue({
      findDue: (max) => records.findDue(clock(), max),
      remove: (fileId) => this.#removeDue(fileId),
      isOutOfTime,
    });
    return { removed };
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
