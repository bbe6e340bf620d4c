// Files that participants exchange with the Blob store directly: the broker hands out an upload URL, verifies and
// announces what was uploaded, and hands out download URLs to the owner and the recipients (contract §7).

import { BrokerError, invalidParameter } from '../broker-error';
import type { Attempt } from '../idempotency';
import type { Caller } from '../identity';
import { isDid } from '../identity';
import type { RetentionPolicy } from '../retention';
import type { Room } from '../room';
import type { TopicCatalog } from '../topics';
import type { ContentValidation } from './content-validation';
import { type CompletedFile, type FileCompletion, fileNotFound, slotExpired } from './file-completion';
import {
  dueAtMs,
  type FileDescription,
  type FileRecord,
  isFileId,
  isGone,
  isReadable,
  maxRecipients,
  mayRead,
  newFileId,
  openFile,
  removed,
  shared,
  withUploadUrl,
} from './file-record';
import type { FileContents, FileRecords, FileUrl, StoredRecord } from './file-store';
import { contentDisposition } from './header-text';

export interface DirectFilesDependencies {
  readonly records: FileRecords;
  readonly contents: FileContents;
  readonly catalog: Pick<TopicCatalog, 'requireVersion'>;
  readonly validation: ContentValidation;
  readonly completion: FileCompletion;
  readonly retention: RetentionPolicy;
  /** For the open slots of each participant. */
  readonly slotRoom: Pick<Room, 'take' | 'giveBack'>;
  /** Largest file. */
  readonly maxFileBytes: number;
  /** How long a file may be uploaded and completed. */
  readonly slotMs: number;
  /** How long a URL works. */
  readonly urlMs: number;
  readonly clock: () => number;
}

export interface UploadSlot {
  readonly fileId: string;
  readonly upload: FileUrl;
}

export interface ReadableFile {
  readonly record: FileRecord;
  readonly download: FileUrl;
}

const maxTurns = 16;

export class DirectFiles {
  constructor(private readonly dependencies: DirectFilesDependencies) {}

  /**
   * A new file and the URL to which its owner uploads.
   * @param attempt where it may be repeated: its id becomes the file's, so that a repetition finds it
   * @throws BrokerError `topic-not-found`, `payload-too-large`, `invalid-parameters`, `schema-type-unsupported`,
   *   `limit-reached`, `…-unavailable`
   */
  async open(description: FileDescription, attempt?: Attempt): Promise<UploadSlot> {
    const { records, contents, catalog, validation, retention, slotRoom, clock } = this.dependencies;
    const { maxFileBytes, slotMs, urlMs } = this.dependencies;
    const fileId = attempt?.id ?? newFileId();
    if (attempt?.isRepeated && (await records.read(fileId))) {
      return this.uploadAgain(description.ownerDid, fileId);
    }
    const { topic, schema } = await catalog.requireVersion(description.topicId, description.topicVersion);
    if (description.sizeBytes > maxFileBytes) {
      throw new BrokerError('payload-too-large', `A file may have at most ${maxFileBytes} bytes.`);
    }
    requireAllBlocks(description);
    if (!description.payloadEncryption) validation.requireSupported(schema, description.sizeBytes);
    const nowMs = clock();
    const { retentionClass } = retention.of(topic.retentionClass, undefined);
    await slotRoom.take(description.ownerDid);
    await records.create(openFile(fileId, description, retentionClass, nowMs + slotMs, nowMs + urlMs));
    return { fileId, upload: await contents.uploadUrl(fileId, nowMs + urlMs) };
  }

  /** Another URL for an upload that takes longer than one works. @throws BrokerError like find(), `file-complete` */
  async uploadAgain(callerDid: string, fileId: string): Promise<UploadSlot> {
    const { contents, urlMs, clock } = this.dependencies;
    const expiresAtMs = clock() + urlMs;
    await this.#change(fileId, (record) => {
      requireOwner(record, callerDid);
      if (record.state !== 'open') {
        throw new BrokerError('file-complete', 'The file is complete and cannot change; send another one.');
      }
      if (clock() >= record.slotEndsAtMs) {
        throw slotExpired();
      }
      return withUploadUrl(record, expiresAtMs);
    });
    return { fileId, upload: await contents.uploadUrl(fileId, expiresAtMs) };
  }

  /** See FileCompletion. @throws BrokerError `file-not-found`, and `forbidden` to all but the owner */
  async complete(caller: Caller, fileId: string): Promise<CompletedFile> {
    const found = await this.#find(fileId);
    requireOwner(found.record, caller.did);
    return this.dependencies.completion.complete(caller, found);
  }

  /**
   * A file that the caller may read, and a URL to read it by.
   * @throws BrokerError `file-not-found`, `forbidden`, `file-not-complete`
   */
  async read(callerDid: string, fileId: string): Promise<ReadableFile> {
    const { contents, urlMs, clock } = this.dependencies;
    const record = await this.readable(callerDid, fileId);
    const download = await contents.downloadUrl(
      fileId,
      record.snapshot,
      clock() + urlMs,
      contentDisposition(record.fileName),
    );
    return { record, download };
  }

  /** As read(), without a URL. */
  async readable(callerDid: string, fileId: string): Promise<FileRecord> {
    const { record } = await this.#find(fileId);
    if (!mayRead(record, callerDid)) throw forbidden();
    if (!isReadable(record, this.dependencies.clock())) {
      throw new BrokerError(
        'file-not-complete',
        'The file is not complete yet; its owner has to complete it.',
      );
    }
    return record;
  }

  /**
   * Removes a file of the caller's own, complete or not; messages that refer to it stay.
   * @throws BrokerError `file-not-found`, `forbidden`
   */
  async remove(callerDid: string, fileId: string): Promise<void> {
    const { records, contents, slotRoom, clock } = this.dependencies;
    const { record, version } = await this.#change(fileId, (found) => {
      requireOwner(found, callerDid);
      return removed(found);
    });
    slotRoom.giveBack(callerDid);
    await contents.delete(fileId);
    // While an upload may still land the record stays, for the timer to delete what it brings.
    if (dueAtMs(record) <= clock()) await records.delete(fileId, version);
  }

  /**
   * Makes messages to come, with this life, refer to a file: before they are published.
   * @throws BrokerError `forbidden` for everything that is not a completed file of the caller's own
   */
  async share(
    callerDid: string,
    fileId: string,
    recipients: readonly string[],
    messageLifeMs: number,
  ): Promise<void> {
    const { clock } = this.dependencies;
    const named = recipients.filter(isDid);
    try {
      await this.#change(fileId, (record) => {
        requireOwner(record, callerDid);
        if (record.state !== 'complete') throw forbidden();
        const next = shared(record, named, messageLifeMs, clock());
        if (next.recipients.length > maxRecipients) {
          throw invalidParameter('fqcns', `a file may have at most ${maxRecipients} recipients`);
        }
        return next;
      });
    } catch (error) {
      // Whether there is such a file is not the caller's business.
      if (error instanceof BrokerError && (error.code === 'file-not-found' || error.code === 'forbidden')) {
        throw new BrokerError('forbidden', 'fileId has to name a completed file of your own.');
      }
      throw error;
    }
  }

  async #find(fileId: string): Promise<StoredRecord> {
    const found = isFileId(fileId) ? await this.dependencies.records.read(fileId) : undefined;
    if (!found || isGone(found.record, this.dependencies.clock())) throw fileNotFound();
    return found;
  }

  async #change(fileId: string, change: (record: FileRecord) => FileRecord): Promise<StoredRecord> {
    for (let turn = 1; turn <= maxTurns; turn++) {
      const { record, version } = await this.#find(fileId);
      const next = await this.dependencies.records.replace(change(record), version);
      if (next) return next;
    }
    throw new BrokerError('blob-store-unavailable', 'This file is changed by others all the time.', {
      retryAfterSeconds: 1,
    });
  }
}

function requireAllBlocks({ sizeBytes, blocks }: FileDescription): void {
  if (blocks && blocks.md5.length !== Math.ceil(sizeBytes / blocks.bytes)) {
    throw invalidParameter('blocks/md5', 'must have a digest for each block of sizeBytes');
  }
}

function requireOwner(record: FileRecord, did: string): void {
  if (record.ownerDid !== did) throw forbidden();
}

function forbidden(): BrokerError {
  return new BrokerError('forbidden', 'The file is not yours to use.');
}
