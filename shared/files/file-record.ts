// What the broker keeps of a file beside its bytes, and every step from one state of it to the next, as pure
// functions. A record is written before the bytes can exist and is deleted after them, so that no bytes are without
// one; it is dated, not counted, so that nothing has to be added up when messages end.
//
// open → publishing → complete, and from each of them → removed. `open`: bytes may be uploaded. `publishing`: the
// bytes are verified and cannot change, messages may be on their way; repeated until every recipient has an outcome.
// `complete`: the outcomes are known. `removed`: nobody may use it; the bytes are being deleted.

import { randomBytes } from 'node:crypto';
import type { RecipientOutcome } from '../messages';
import { messageLife } from '../retention';

/** What the owner says of a file. */
export interface FileDescription {
  readonly ownerDid: string;
  /** DIDs that may read it, each once. */
  readonly recipients: readonly string[];
  readonly topicId: string;
  readonly topicVersion: string;
  /** As it was sent: never part of a path or a header as it is. */
  readonly fileName: string;
  readonly sizeBytes: number;
  /** 64 lower-case hex characters. */
  readonly sha256: string;
  readonly signature: string;
  readonly clientGatewayMessageId: string;
  readonly payloadEncryption: boolean;
  readonly transactionId?: string | undefined;
  readonly blocks?: BlockDigests | undefined;
}

/** Digests of a file's parts, which the Blob store can compare by itself. */
export interface BlockDigests {
  /** Length of each but the last, which may be shorter. They need not be the blocks of the upload. */
  readonly bytes: number;
  /** In the order of the parts, each in Base64. */
  readonly md5: readonly string[];
}

/**
 * How the bytes were compared with the description: by their SHA-256; where they are very many, by the Blob store
 * with the digests of their blocks, or, when there are none, by their length.
 */
export type Verification = 'sha256' | 'blocks' | 'length';

export interface FileRecord extends FileDescription {
  readonly fileId: string;
  readonly state: 'open' | 'publishing' | 'complete' | 'removed';
  /** Retention class of its messages: the topic's when it was opened, then when it was verified. */
  readonly retentionClass: string;
  /** Until then an `open` file may be completed. Unit: ms. */
  readonly slotEndsAtMs: number;
  /** When the last upload URL that was handed out ends; 0 when there was none. Unit: ms. */
  readonly uploadUrlEndsAtMs: number;
  /** `open`: the end of the slot; later: not before the end of any message that refers to it. Unit: ms. */
  readonly endsAtMs: number;
  /** From here on, before the state was left for good. Unit: ms. */
  readonly publishingSinceMs?: number;
  readonly verification?: Verification;
  /** The state of the bytes that was verified: whoever may still write changes another one. */
  readonly snapshot?: string | undefined;
  readonly outcomes?: readonly RecipientOutcome[];
}

/** Bytes stay this much longer than the last message that refers to them. */
export const removalMarginMs = 3_600_000;
/** Longest time that passes between naming a message's end and storing it: more than a request may last. */
export const publishAllowanceMs = 300_000;
/** How far clocks may be apart where an upload URL ends. */
const uploadUrlMarginMs = 300_000;
/** DIDs that may read one file. */
export const maxRecipients = 20_000;

/** 24 lower-case hex characters that nobody can guess. */
export function newFileId(): string {
  return randomBytes(12).toString('hex');
}

export function isFileId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}

export function openFile(
  fileId: string,
  description: FileDescription,
  retentionClass: string,
  slotEndsAtMs: number,
  uploadUrlEndsAtMs: number,
): FileRecord {
  return {
    ...description,
    recipients: [...new Set(description.recipients)],
    fileId,
    retentionClass,
    state: 'open',
    slotEndsAtMs,
    uploadUrlEndsAtMs,
    endsAtMs: slotEndsAtMs,
  };
}

/** Another upload URL was handed out. */
export function withUploadUrl(record: FileRecord, uploadUrlEndsAtMs: number): FileRecord {
  return { ...record, uploadUrlEndsAtMs: Math.max(record.uploadUrlEndsAtMs, uploadUrlEndsAtMs) };
}

/** Messages with this life are about to be stored: the file lives as long as they do. */
export function extended(record: FileRecord, messageLifeMs: number, nowMs: number): FileRecord {
  return {
    ...record,
    endsAtMs: Math.max(record.endsAtMs, nowMs + publishAllowanceMs + messageLifeMs),
  };
}

/** How long the messages that announce it live. Unit: ms. */
function lifeMsOf({ retentionClass }: Pick<FileRecord, 'retentionClass'>): number {
  return messageLife(0, retentionClass, undefined).endsAtMs;
}

/** Its messages are about to be stored, once more: the file lives as long as they do. */
export function extendedForMessages(record: FileRecord, nowMs: number): FileRecord {
  return extended(record, lifeMsOf(record), nowMs);
}

/** Whether its messages, stored from now on, might outlive the file. */
export function isShortLived(record: FileRecord, nowMs: number): boolean {
  return record.endsAtMs < nowMs + publishAllowanceMs / 2 + lifeMsOf(record);
}

/** The bytes are verified; messages are about to be stored. */
export function publishing(
  record: FileRecord,
  verified: {
    readonly verification: Verification;
    readonly snapshot: string | undefined;
    /** The topic's by now. */
    readonly retentionClass: string;
  },
  nowMs: number,
): FileRecord {
  return {
    // The slot does not count any more: from here on the file lives as long as its messages.
    ...extendedForMessages({ ...record, ...verified, endsAtMs: 0 }, nowMs),
    state: 'publishing',
    publishingSinceMs: nowMs,
  };
}

export function completed(record: FileRecord, outcomes: readonly RecipientOutcome[]): FileRecord {
  return { ...record, state: 'complete', outcomes };
}

export function removed(record: FileRecord): FileRecord {
  return { ...record, state: 'removed' };
}

/** More may read it, as long as messages to them live. */
export function shared(
  record: FileRecord,
  recipients: readonly string[],
  messageLifeMs: number,
  nowMs: number,
): FileRecord {
  return {
    ...extended(record, messageLifeMs, nowMs),
    recipients: [...new Set([...record.recipients, ...recipients])],
  };
}

/** From then on the timer removes record and bytes. */
export function dueAtMs(record: FileRecord): number {
  // An upload URL could bring removed bytes back: the record waits for its end.
  const uploadEnded = record.uploadUrlEndsAtMs + uploadUrlMarginMs;
  return record.state === 'removed' ? uploadEnded : Math.max(record.endsAtMs + removalMarginMs, uploadEnded);
}

/** Whether it is still known which recipients have a message: the first ones may have ended since. */
export function canGoOn(record: FileRecord, nowMs: number): boolean {
  return nowMs < (record.publishingSinceMs ?? 0) + lifeMsOf(record);
}

/** Whether its bytes are verified and a message that lives refers to it. */
export function isReadable(record: FileRecord, nowMs: number): boolean {
  return (record.state === 'publishing' || record.state === 'complete') && nowMs < record.endsAtMs;
}

/** Whether nobody may use it any more, whoever asks. */
export function isGone(record: FileRecord, nowMs: number): boolean {
  return record.state === 'removed' || (record.state !== 'open' && nowMs >= record.endsAtMs);
}

export function mayRead(record: FileRecord, did: string): boolean {
  return record.ownerDid === did || record.recipients.includes(did);
}
