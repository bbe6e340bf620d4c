// Files through the broker itself, as existing gateways send and fetch them (contract §4): streamed, up to 100 MB.
// The bytes come before their description, so they are staged where nobody sees them until all of it is known.

import { createHash } from 'node:crypto';
import { BrokerError } from '../broker-error';
import type { Attempt } from '../idempotency';
import type { Caller } from '../identity';
import type { Log } from '../log';
import type { RetentionPolicy } from '../retention';
import type { TopicCatalog } from '../topics';
import type { EndTurn, Turns } from '../turns';
import type { ContentValidation } from './content-validation';
import type { DirectFiles } from './direct-files';
import type { CompletedFile, FileCompletion } from './file-completion';
import { fileNotFound } from './file-completion';
import { type FileDescription, type FileRecord, newFileId, openFile, publishing } from './file-record';
import type { ContentUpload, FileContents, FileRecords, StoredRecord } from './file-store';

/** Bytes of a file that goes through the broker. */
export const maxLegacyFileBytes = 100_000_000;
/** How long the broker may take from the last byte to the first message. */
const slotMs = 3_600_000;

export interface LegacyFilesDependencies {
  readonly records: FileRecords;
  readonly contents: FileContents;
  readonly catalog: Pick<TopicCatalog, 'requireVersion'>;
  readonly validation: ContentValidation;
  readonly completion: FileCompletion;
  readonly directFiles: Pick<DirectFiles, 'readable'>;
  /** Turns of participants at uploads, and at downloads. */
  readonly uploads: Turns;
  readonly downloads: Turns;
  readonly retention: RetentionPolicy;
  readonly clock: () => number;
  readonly log: Log;
}

/** What its owner says of a file whose bytes have come already. */
export type LegacyDescription = Omit<FileDescription, 'sizeBytes' | 'sha256'>;

export class LegacyFiles {
  constructor(private readonly dependencies: LegacyFilesDependencies) {}

  /**
   * A file that is about to come in; waits for the caller's turn. Call end() whatever becomes of it.
   * @throws BrokerError `transfers-busy`
   */
  async receive(callerDid: string): Promise<IncomingFile> {
    return new IncomingFile(this.dependencies, await this.dependencies.uploads.take(callerDid));
  }

  /**
   * A file that the caller may read, and its bytes; waits for the caller's turn.
   * @throws BrokerError `file-not-found`, `forbidden`, `file-not-complete`, `payload-too-large`, `transfers-busy`
   */
  async send(
    callerDid: string,
    fileId: string,
  ): Promise<{ readonly record: FileRecord; readonly bytes: AsyncIterator<Uint8Array, void> }> {
    const { directFiles, contents, downloads } = this.dependencies;
    const record = await directFiles.readable(callerDid, fileId);
    if (record.sizeBytes > maxLegacyFileBytes) {
      throw new BrokerError(
        'payload-too-large',
        `Files above ${maxLegacyFileBytes} bytes are downloaded by the URL that GET /files/${fileId} answers.`,
      );
    }
    const endTurn = await downloads.take(callerDid);
    try {
      const bytes = await contents.read(fileId, record.snapshot);
      if (!bytes) throw fileNotFound();
      return { record, bytes: withEnd(bytes, endTurn) };
    } catch (error) {
      endTurn();
      throw error;
    }
  }
}

export class IncomingFile {
  readonly #fileId = newFileId();
  readonly #digest = createHash('sha256');
  readonly #upload: ContentUpload;
  #sizeBytes = 0;
  #stored: StoredRecord | undefined;
  #isKept = false;
  /** Whether bytes may appear yet: nobody knows whether the store has done it, or will. */
  #isCommitting = false;
  #isOver = false;

  constructor(
    private readonly dependencies: LegacyFilesDependencies,
    private readonly endTurn: EndTurn,
  ) {
    this.#upload = dependencies.contents.upload(this.#fileId);
  }

  /** @throws BrokerError `payload-too-large`, `malformed-upload` for no bytes at all, `blob-store-unavailable` */
  async take(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of bytes) {
      if (this.#isOver) return;
      this.#sizeBytes += chunk.byteLength;
      if (this.#sizeBytes > maxLegacyFileBytes) {
        throw new BrokerError(
          'payload-too-large',
          `A file may have at most ${maxLegacyFileBytes} bytes here; POST /files takes larger ones.`,
        );
      }
      this.#digest.update(chunk);
      await this.#upload.write(chunk);
    }
    if (this.#sizeBytes === 0) throw new BrokerError('malformed-upload', 'The file is empty.');
  }

  /** All that was sent, as a text: two uploads of the same are alike in it. */
  contentOf(description: LegacyDescription): string {
    return JSON.stringify([description, this.#sizeBytes, this.#digest.copy().digest('hex')]);
  }

  /**
   * All of it is there: makes it a file and sends its messages. A repetition is another file; who has a message of the
   * one before is sent none.
   * @throws BrokerError like FileCompletion.complete()
   */
  async finish(caller: Caller, description: LegacyDescription, attempt?: Attempt): Promise<CompletedFile> {
    const { records, catalog, validation, completion, retention, clock } = this.dependencies;
    const { topic, schema } = await catalog.requireVersion(description.topicId, description.topicVersion);
    if (!description.payloadEncryption) validation.requireSupported(schema, this.#sizeBytes);
    const whole = { ...description, sizeBytes: this.#sizeBytes, sha256: this.#digest.digest('hex') };
    const { retentionClass } = retention.of(topic.retentionClass, undefined);
    // The record first: whatever happens from here on, the timer finds what is left.
    const open = await records.create(openFile(this.#fileId, whole, retentionClass, clock() + slotMs, 0));
    this.#stored = open;
    this.#isCommitting = true;
    await this.#upload.commit();
    this.#isCommitting = false;
    this.endTurn();
    const verification = await completion.verifyContent(open.record, undefined, schema, true);
    const verified = { verification, snapshot: undefined, retentionClass };
    const stored = await records.replace(publishing(open.record, verified, clock()), open.version);
    if (!stored) throw fileNotFound();
    // From here on a message may refer to it, even if the store has not confirmed any.
    this.#isKept = true;
    const complete = await completion.complete(caller, stored, attempt);
    const isReferred = complete.outcomes.some(
      (outcome) => 'messageId' in outcome || outcome.code === 'MB::NATS_SERVER',
    );
    if (!isReferred) {
      this.#isKept = false;
      this.#stored = await records.read(this.#fileId);
      await this.#discard();
    }
    return complete;
  }

  /** Leaves nothing behind of a file that did not become complete; what it cannot remove now, the timer will. */
  async end(): Promise<void> {
    try {
      await this.#discard();
    } finally {
      this.endTurn();
    }
  }

  async #discard(): Promise<void> {
    const { records, contents, log } = this.dependencies;
    if (this.#isKept || this.#isOver) return;
    this.#isOver = true;
    await this.#upload.discard();
    if (!this.#stored) return;
    try {
      await contents.delete(this.#fileId);
      // While its bytes may still appear the record stays, for the timer to find them.
      if (!this.#isCommitting) await records.delete(this.#fileId, this.#stored.version);
    } catch (error) {
      log('warn', 'refused file is left to the timer', { fileId: this.#fileId, error });
    }
  }
}

/** The same bytes; `end` is called once they have ended, failed, or nobody wants them any more. */
function withEnd(bytes: AsyncIterable<Uint8Array>, end: EndTurn): AsyncIterator<Uint8Array, void> {
  const iterator = bytes[Symbol.asyncIterator]();
  return {
    next: async () => {
      try {
        const step = await iterator.next();
        if (step.done) end();
        return step.done ? { done: true, value: undefined } : step;
      } catch (error) {
        end();
        throw error;
      }
    },
    return: async () => {
      end();
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
