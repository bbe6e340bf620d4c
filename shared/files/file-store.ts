// Ports of the files capability: where records and bytes lie. Every method may throw `blob-store-unavailable`.

import type { BlockDigests, FileRecord } from './file-record';

export interface StoredRecord {
  readonly record: FileRecord;
  /** Names this state of the record. */
  readonly version: string;
}

export interface FileRecords {
  /** Stores the record of a new file. */
  create(record: FileRecord): Promise<StoredRecord>;
  read(fileId: string): Promise<StoredRecord | undefined>;
  /** Replaces the state that was read; undefined when somebody else has changed it in between. */
  replace(record: FileRecord, version: string): Promise<StoredRecord | undefined>;
  /** Deletes the state that was read; false when somebody else has changed or deleted it in between. */
  delete(fileId: string, version: string): Promise<boolean>;
  /**
   * Ids of files that are due for removal, up to `max`. What the answer says may be old: the record decides.
   */
  findDue(nowMs: number, max: number): Promise<readonly string[]>;
  /** How many files of an owner are `open`, up to `max`, which is at most 5,000. What the answer says may be old. */
  countOpen(ownerDid: string, max: number): Promise<number>;
}

/** Bytes on their way in. They can be seen only after commit(). */
export interface ContentUpload {
  /** Returns when the next chunk may come. */
  write(chunk: Uint8Array): Promise<void>;
  /** Makes what was written the file's content. */
  commit(): Promise<void>;
  /** Leaves nothing of it behind; for a failure, so it does not fail itself. */
  discard(): Promise<void>;
}

export interface FileUrl {
  /** Holds a secret: never stored, never logged. */
  readonly url: string;
  readonly expiresAtMs: number;
}

export interface FileContents {
  upload(fileId: string): ContentUpload;
  /** Fixes the content as it is now; undefined when there is none. */
  fix(fileId: string): Promise<{ readonly snapshot: string; readonly sizeBytes: number } | undefined>;
  /** Forgets a fixed state. */
  unfix(fileId: string, snapshot: string): Promise<void>;
  /**
   * The bytes; undefined when there are none.
   * @param snapshot a fixed state; absent: as they are now
   * @param signal ends the reading early
   */
  read(
    fileId: string,
    snapshot: string | undefined,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  /**
   * Has the store compare a fixed state with digests of its blocks, without bringing its bytes here. Returns the number,
   * from 0, of a block that is another one; undefined when all are as they should be.
   * @param fixed what fix() answered
   * @param untilMs when it has to have ended, at the latest
   */
  findWrongBlock(
    fileId: string,
    fixed: { readonly snapshot: string | undefined; readonly sizeBytes: number },
    blocks: BlockDigests,
    untilMs: number,
  ): Promise<number | undefined>;
  /** Deletes the bytes and every fixed state of them. */
  delete(fileId: string): Promise<void>;
  /** Permission to create and write this one file, until an instant. */
  uploadUrl(fileId: string, expiresAtMs: number): Promise<FileUrl>;
  /** Permission to read this one file, until an instant. @param contentDisposition header of the answer */
  downloadUrl(
    fileId: string,
    snapshot: string | undefined,
    expiresAtMs: number,
    contentDisposition: string,
  ): Promise<FileUrl>;
}
