// From uploaded bytes to messages: fix and verify the bytes, write down that messages will refer to them, publish,
// write down the outcomes. Each step may be the last one of a broker that dies; whoever repeats it goes on from the
// record, and no recipient gets a second message.

import { BrokerError } from '../broker-error';
import type { Attempt } from '../idempotency';
import type { Caller } from '../identity';
import type { Delivery, RecipientOutcome } from '../messages';
import { filePayload, printShared } from '../messages';
import { mapConcurrently } from '../map-concurrently';
import type { RetentionPolicy } from '../retention';
import type { ContentCheck, TopicCatalog } from '../topics';
import { Turns } from '../turns';
import { compareContent, wrongBlock, wrongLength } from './content-comparison';
import type { ContentValidation } from './content-validation';
import {
  canGoOn,
  completed,
  extendedForMessages,
  type FileRecord,
  isShortLived,
  publishing,
  type Verification,
} from './file-record';
import type { FileContents, FileRecords, StoredRecord } from './file-store';
import type { PublishedFiles } from './published-files';

export interface FileCompletionDependencies {
  readonly records: FileRecords;
  readonly contents: FileContents;
  readonly catalog: Pick<TopicCatalog, 'requireVersion'>;
  readonly validation: ContentValidation;
  readonly delivery: Pick<Delivery, 'deliver'>;
  readonly published: PublishedFiles;
  readonly retention: RetentionPolicy;
  /** Bytes of a file that is read here to compute its digest; a larger one is compared where it lies. */
  readonly maxDigestBytes: number;
  readonly clock: () => number;
}

export interface CompletedFile {
  readonly record: FileRecord;
  readonly outcomes: readonly RecipientOutcome[];
}

/** Recipients looked up at once after an interruption. */
const concurrentLookups = 32;
/** Longer than a request lasts. Unit: ms. */
const comparisonMs = 900_000;
/** Others may change the record meanwhile: each time the work is looked at anew. */
const maxTurns = 16;

export class FileCompletion {
  /** Verifications that run or wait, by the state of the file that each is of. */
  readonly #verifying = new Map<string, Promise<FileRecord>>();
  /** An owner has one at a time. */
  readonly #turns = new Turns({ perOwner: 1 });

  constructor(private readonly dependencies: FileCompletionDependencies) {}

  /**
   * Completes an uploaded file; a completed one answers what it answered then.
   * @param caller the owner
   * @param attempt where the file itself is sent anew when it is repeated
   * @throws BrokerError `file-not-complete`, `file-mismatch`, `upload-slot-expired`, `schema-violation`,
   *   `topic-not-found`, `payload-too-large`, `schema-type-unsupported`, `…-unavailable`, `message-store-full`
   */
  async complete(caller: Caller, found: StoredRecord, attempt?: Attempt): Promise<CompletedFile> {
    const { clock } = this.dependencies;
    let current = found;
    let isRepeated = found.record.state === 'publishing';
    for (let turn = 1; turn <= maxTurns; turn++) {
      const { record } = current;
      switch (record.state) {
        case 'removed':
          throw fileNotFound();
        case 'complete':
          return { record, outcomes: record.outcomes ?? [] };
        case 'open': {
          const next = await this.#records.replace(await this.#verifyOnce(current), current.version);
          // Somebody else was first: then it is repeated, as if that one had died.
          isRepeated ||= !next;
          current = next ?? (await this.#reread(record.fileId));
          break;
        }
        case 'publishing': {
          if (!canGoOn(record, clock())) throw slotExpired();
          if (isRepeated && isShortLived(record, clock())) {
            const next = await this.#records.replace(extendedForMessages(record, clock()), current.version);
            current = next ?? (await this.#reread(record.fileId));
            break;
          }
          const outcomes = await this.#publish(caller, record, isRepeated, attempt);
          // Another try may bring the rest, so the outcomes are not written down for good.
          if (outcomes.some((outcome) => 'isTransient' in outcome)) return { record, outcomes };
          const next = await this.#records.replace(completed(record, outcomes), current.version);
          isRepeated = true;
          current = next ?? (await this.#reread(record.fileId));
        }
      }
    }
    throw new BrokerError('blob-store-unavailable', 'This file is changed by others all the time.', {
      retryAfterSeconds: 1,
    });
  }

  get #records(): FileRecords {
    return this.dependencies.records;
  }

  async #reread(fileId: string): Promise<StoredRecord> {
    const found = await this.#records.read(fileId);
    if (!found) throw fileNotFound();
    return found;
  }

  /** Verifying a large file is dear for everybody: who completes the same state at once shares it. */
  #verifyOnce({ record, version }: StoredRecord): Promise<FileRecord> {
    const state = `${record.fileId} ${version}`;
    const running = this.#verifying.get(state);
    if (running) return running;
    const mine = this.#turns
      .run(record.ownerDid, () => this.#verify(record))
      .finally(() => this.#verifying.delete(state));
    this.#verifying.set(state, mine);
    return mine;
  }

  async #verify(record: FileRecord): Promise<FileRecord> {
    const { contents, catalog, clock, retention } = this.dependencies;
    if (clock() >= record.slotEndsAtMs) {
      throw slotExpired();
    }
    const { topic, schema } = await catalog.requireVersion(record.topicId, record.topicVersion);
    const { retentionClass } = retention.of(topic.retentionClass, undefined);
    const fixed = await contents.fix(record.fileId);
    if (!fixed) {
      throw new BrokerError(
        'file-not-complete',
        'Nothing was uploaded, or its blocks are not committed yet.',
      );
    }
    try {
      if (fixed.sizeBytes !== record.sizeBytes) throw wrongLength(fixed.sizeBytes, record.sizeBytes);
      const verification = await this.verifyContent(record, fixed.snapshot, schema);
      return publishing(record, { verification, snapshot: fixed.snapshot, retentionClass }, clock());
    } catch (error) {
      // The next attempt fixes the bytes anew.
      await contents.unfix(record.fileId, fixed.snapshot).catch(() => undefined);
      throw error;
    }
  }

  /** Compares and validates bytes. @param snapshot absent: the content as it is, which nobody may write */
  async verifyContent(
    record: FileRecord,
    snapshot: string | undefined,
    schema: Awaited<ReturnType<TopicCatalog['requireVersion']>>['schema'],
    isDigestKnown = false,
  ): Promise<Verification> {
    const { contents, validation, maxDigestBytes } = this.dependencies;
    const { fileId, sizeBytes } = record;
    const read = async (check?: ContentCheck): Promise<void> => {
      const bytes = await contents.read(fileId, snapshot);
      if (!bytes) throw fileNotFound();
      const sha256 = isDigestKnown ? undefined : record.sha256;
      await compareContent(bytes, { sizeBytes, sha256, check });
    };
    if (!record.payloadEncryption) await validation.validate(record.ownerDid, schema, sizeBytes, read);
    else if (!isDigestKnown && sizeBytes > maxDigestBytes) return this.#compareBlocks(record, snapshot);
    else if (!isDigestKnown) await read();
    return 'sha256';
  }

  async #compareBlocks(
    { fileId, sizeBytes, blocks }: FileRecord,
    snapshot: string | undefined,
  ): Promise<Verification> {
    if (!blocks) return 'length';
    const { contents, clock } = this.dependencies;
    const fixed = { snapshot, sizeBytes };
    const wrong = await contents.findWrongBlock(fileId, fixed, blocks, clock() + comparisonMs);
    if (wrong !== undefined) throw wrongBlock(wrong);
    return 'blocks';
  }

  async #publish(
    caller: Caller,
    record: FileRecord,
    isRepeated: boolean,
    attempt: Attempt | undefined,
  ): Promise<readonly RecipientOutcome[]> {
    const { delivery } = this.dependencies;
    const before = isRepeated
      ? await this.#find(record, record.recipients)
      : new Map<string, RecipientOutcome>();
    const outcomes = await delivery.deliver({
      senderDid: record.ownerDid,
      senderRoles: caller.roles,
      recipients: record.recipients.filter((recipient) => !before.has(recipient)),
      anonymousRecipients: [],
      topicId: record.topicId,
      retention: { retentionClass: record.retentionClass },
      // The store remembers it for a while only; it covers two that complete the same file at once.
      transactionId: record.transactionId ?? (attempt ? undefined : `file:${record.fileId}`),
      attempt,
      shared: printShared({
        ...record,
        senderDid: record.ownerDid,
        payload: filePayload(record.fileId),
        isFile: true,
      }),
    });
    // A transaction id of the file's own was seen before: by another one who completes it right now.
    const unsure =
      record.transactionId === undefined
        ? outcomes.flatMap((outcome) =>
            'code' in outcome && outcome.code === 'MB::NATS_SERVER' ? [outcome.recipient] : [],
          )
        : [];
    const since = await this.#find(record, unsure);
    const delivered = new Map(outcomes.map((outcome) => [outcome.recipient, outcome]));
    return record.recipients.flatMap(
      (recipient) => before.get(recipient) ?? since.get(recipient) ?? delivered.get(recipient) ?? [],
    );
  }

  async #find(
    record: FileRecord,
    recipients: readonly string[],
  ): Promise<ReadonlyMap<string, RecipientOutcome>> {
    const found = await mapConcurrently(recipients, concurrentLookups, (recipient) =>
      this.dependencies.published.find(record, recipient),
    );
    return new Map(found.flatMap((outcome) => (outcome ? [[outcome.recipient, outcome] as const] : [])));
  }
}

export function slotExpired(): BrokerError {
  return new BrokerError('upload-slot-expired', 'The time to upload this file is over; begin a new one.');
}

export function fileNotFound(): BrokerError {
  return new BrokerError('file-not-found', 'There is no such file, or its last message has ended.');
}
