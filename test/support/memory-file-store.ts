// Records and contents of files in memory, held to the same contract as the Blob store's: for tests that try out
// thousands of interleavings. `step` runs before and after every effect, and may throw: then the caller has died.

import { createHash } from 'node:crypto';
import { BrokerError } from '../../shared/broker-error';
import type { FileRecord } from '../../shared/files/file-record';
import { dueAtMs } from '../../shared/files/file-record';
import type { FileContents, FileRecords, StoredRecord } from '../../shared/files/file-store';

interface Content {
  bytes: Uint8Array | undefined;
  readonly snapshots: Map<string, Uint8Array>;
}

export class MemoryFileStore {
  readonly records = new Map<string, { text: string; version: string }>();
  readonly contents = new Map<string, Content>();
  #count = 0;

  /**
   * The ports as one process sees them.
   * @param landLater gets what a commit does, which the process is told has failed
   */
  open(
    step: (call: string) => Promise<void> = () => Promise.resolve(),
    landLater?: (land: () => void) => void,
  ): {
    readonly records: FileRecords;
    readonly contents: FileContents;
  } {
    const atomic = async <Result>(call: string, effect: () => Result): Promise<Result> => {
      await step(call);
      const result = effect();
      await step(`${call} done`);
      return result;
    };
    const records: FileRecords = {
      create: (record) => atomic('create record', () => this.#write(record)),
      replace: (record, version) =>
        atomic('replace record', () =>
          this.records.get(record.fileId)?.version === version ? this.#write(record) : undefined,
        ),
      read: (fileId) => atomic('read record', () => this.#readRecord(fileId)),
      delete: (fileId, version) => atomic('delete record', () => this.#deleteRecord(fileId, version)),
      findDue: (nowMs, max) =>
        atomic('find due', () =>
          [...this.records]
            .filter(([, { text }]) => dueAtMs(JSON.parse(text) as FileRecord) <= nowMs)
            .map(([fileId]) => fileId)
            .slice(0, max),
        ),
      countOpen: (ownerDid, max) =>
        atomic('count open', () => {
          const all = [...this.records.values()].map(({ text }) => JSON.parse(text) as FileRecord);
          const open = all.filter((record) => record.ownerDid === ownerDid && record.state === 'open');
          return Math.min(open.length, max);
        }),
    };
    const contents: FileContents = {
      upload: (fileId) => {
        const chunks: Uint8Array[] = [];
        return {
          write: (chunk) =>
            atomic('stage', () => {
              chunks.push(Uint8Array.from(chunk));
            }),
          commit: () =>
            atomic('commit', () => {
              const land = (): void => {
                this.put(fileId, Buffer.concat(chunks));
              };
              if (!landLater) {
                land();
                return;
              }
              landLater(land);
              throw new BrokerError('blob-store-unavailable', 'There was no answer in time.');
            }),
          discard: () => Promise.resolve(),
        };
      },
      fix: (fileId) =>
        atomic('fix', () => {
          const content = this.contents.get(fileId);
          if (!content?.bytes) return undefined;
          const snapshot = `snapshot ${++this.#count}`;
          content.snapshots.set(snapshot, content.bytes);
          return { snapshot, sizeBytes: content.bytes.byteLength };
        }),
      unfix: (fileId, snapshot) =>
        atomic('unfix', () => {
          this.contents.get(fileId)?.snapshots.delete(snapshot);
        }),
      read: (fileId, snapshot) =>
        atomic('read content', () => {
          const bytes = this.content(fileId, snapshot);
          return bytes && (ReadableStream.from([bytes]) as AsyncIterable<Uint8Array>);
        }),
      findWrongBlock: (fileId, { snapshot }, { bytes, md5 }) =>
        atomic('compare blocks', () => {
          const content = this.content(fileId, snapshot) ?? Buffer.alloc(0);
          const wrong = md5.findIndex((digest, index) => {
            const block = content.subarray(index * bytes, (index + 1) * bytes);
            return createHash('md5').update(block).digest('base64') !== digest;
          });
          return wrong < 0 ? undefined : wrong;
        }),
      delete: (fileId) =>
        atomic('delete content', () => {
          this.contents.delete(fileId);
        }),
      uploadUrl: (fileId, expiresAtMs) =>
        atomic('upload url', () => ({ url: `memory:${fileId}`, expiresAtMs })),
      downloadUrl: (fileId, snapshot, expiresAtMs) =>
        atomic('download url', () => ({ url: `memory:${fileId}?${snapshot ?? ''}`, expiresAtMs })),
    };
    return { records, contents };
  }

  /** What a participant does with an upload URL. */
  put(fileId: string, bytes: Uint8Array): void {
    const known = this.contents.get(fileId);
    if (known) known.bytes = bytes;
    else this.contents.set(fileId, { bytes, snapshots: new Map() });
  }

  content(fileId: string, snapshot: string | undefined): Uint8Array | undefined {
    const content = this.contents.get(fileId);
    return snapshot === undefined ? content?.bytes : content?.snapshots.get(snapshot);
  }

  record(fileId: string): FileRecord | undefined {
    const found = this.records.get(fileId);
    return found && (JSON.parse(found.text) as FileRecord);
  }

  #write(record: FileRecord): StoredRecord {
    const version = String(++this.#count);
    this.records.set(record.fileId, { text: JSON.stringify(record), version });
    return { record, version };
  }

  #readRecord(fileId: string): StoredRecord | undefined {
    const found = this.records.get(fileId);
    return found && { record: JSON.parse(found.text) as FileRecord, version: found.version };
  }

  #deleteRecord(fileId: string, version: string): boolean {
    if (this.records.get(fileId)?.version !== version) return false;
    return this.records.delete(fileId);
  }
}
