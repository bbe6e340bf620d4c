// Records of files: one JSON blob each, changed by compare-and-set on its ETag, with the instant of its removal, and
// the owner of an open slot, as index tags. Not in the metadata of the bytes: whoever may write those may write their
// metadata, and 8 KB of ASCII hold few recipients.

import type { FileRecord } from '../../files/file-record';
import { dueAtMs } from '../../files/file-record';
import type { FileRecords, StoredRecord } from '../../files/file-store';
import { blobUnavailable, callBlob } from './blob-errors';
import type { Containers } from './containers';
import { dueQuery, dueTag } from './due-tag';
import { findByTag } from './find-by-tag';
import { openQuery, openTag } from './open-tag';
import { readBlob } from './read-blob';

/** Grows with every change that an older broker could not read. */
const format = 1;

export class BlobFileRecords implements FileRecords {
  constructor(private readonly containers: Containers) {}

  async create(record: FileRecord): Promise<StoredRecord> {
    const stored = await this.#write(record, { ifNoneMatch: '*' });
    if (!stored) throw blobUnavailable(new Error('the random id of a file is taken'));
    return stored;
  }

  replace(record: FileRecord, version: string): Promise<StoredRecord | undefined> {
    return this.#write(record, { ifMatch: version });
  }

  async read(fileId: string): Promise<StoredRecord | undefined> {
    const blob = (await this.containers.open('records')).getBlockBlobClient(fileId);
    const found = await readBlob(blob);
    return found && { record: parse(found.bytes.toString()), version: found.version };
  }

  async delete(fileId: string, version: string): Promise<boolean> {
    const blob = (await this.containers.open('records')).getBlockBlobClient(fileId);
    const outcome = await callBlob(
      (abortSignal) => blob.delete({ abortSignal, conditions: { ifMatch: version } }),
      ['absent', 'changed'],
    );
    return typeof outcome !== 'string';
  }

  async findDue(nowMs: number, max: number): Promise<readonly string[]> {
    const container = await this.containers.open('records');
    return findByTag(container, dueQuery(nowMs), max);
  }

  async countOpen(ownerDid: string, max: number): Promise<number> {
    const container = await this.containers.open('records');
    const names = await findByTag(container, openQuery(ownerDid), max);
    return names.length;
  }

  async #write(
    record: FileRecord,
    conditions: { readonly ifMatch?: string; readonly ifNoneMatch?: string },
  ): Promise<StoredRecord | undefined> {
    const blob = (await this.containers.open('records')).getBlockBlobClient(record.fileId);
    const body = Buffer.from(JSON.stringify({ format, ...record }));
    const answer = await callBlob(
      (abortSignal) =>
        blob.upload(body, body.byteLength, {
          conditions,
          abortSignal,
          tags: { ...dueTag(dueAtMs(record)), ...openTag(record) },
        }),
      ['absent', 'changed', 'exists'],
    );
    return typeof answer === 'string' ? undefined : { record, version: answer.etag ?? '' };
  }
}

function parse(text: string): FileRecord {
  const { format: written, ...record } = JSON.parse(text) as FileRecord & { format: number };
  if (written !== format) throw blobUnavailable(new Error(`a file's record has the format ${written}`));
  return record;
}
