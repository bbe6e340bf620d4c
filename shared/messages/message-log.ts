// Ports of the message path: the log that stores messages, and the store that keeps cursors.

import type { ClaimCheck } from './claim-check';
import type { Cursor, ReadMessage } from './cursor';
import type { Mailbox } from './mailbox';

/** A message as it lies in the log. */
export interface StoredMessage extends ReadMessage {
  /** The JSON object that a search returns, less `messageId` and `timestampNanos`, in UTF-8. */
  readonly body: Uint8Array;
  /** Set where the body has no payload: it lies in Blob. `bytes` counts it. */
  readonly claim?: ClaimCheck | undefined;
  /** Which attempt has stored it, where that was noted. */
  readonly attempt?: string | undefined;
}

export interface NewMessage {
  readonly mailbox: Mailbox;
  readonly topicId: string;
  readonly senderDid: string;
  /** Name of its retention class. */
  readonly retentionClass: string;
  /** Its own life, where it is shorter than the class. Unit: ms. */
  readonly lifeMs?: number;
  readonly keyNumber: number;
  /** The recipient as the sender named it, where the sender is told of the message's end; absent elsewhere. */
  readonly recipient?: string | undefined;
  /** Set when the sender named its transaction: a second message with it is refused within the window. */
  readonly transactionId: string | undefined;
  /** Set where it may be stored again by a repetition: within the window that finds the first one instead. */
  readonly attempt?: string | undefined;
  readonly body: Uint8Array;
  /** Where the payload lies that the body has not. */
  readonly claim?: ClaimCheck | undefined;
}

export type Appended =
  { readonly outcome: 'stored'; readonly seq: number } | { readonly outcome: 'duplicate' };

/** Messages of one topic or all (null), of one sender (token) or all (null). */
export interface LogFilter {
  readonly topic: string | null;
  readonly sender: string | null;
}

/** Where a read begins: after a sequence, or with the first message stored at or after an instant. */
export type LogStart =
  | {
      readonly after: number;
      /** Something behind it is said to be there: it is read without a look whether there is anything. */
      readonly hasArrived?: boolean;
    }
  | { readonly fromMs: number };

export interface LogRead {
  /** In stream order, without a gap. */
  readonly messages: readonly StoredMessage[];
  /** Whether the replica that answered had more. */
  readonly more: boolean;
}

/**
 * Messages of mailboxes, in the order in which they were stored. Every method may throw `message-store-unavailable`
 * or `message-store-full`.
 */
export interface MessageLog {
  /** Bytes of a message body that fit at most. */
  readonly maxBodyBytes: number;
  append(message: NewMessage): Promise<Appended>;
  /** Reads from any replica, which may be behind: nothing is never a fact. */
  read(
    mailbox: Mailbox,
    filter: LogFilter,
    start: LogStart,
    limits: { readonly messages: number; readonly bytes: number },
  ): Promise<LogRead>;
  /** Reads certain sequences (ascending) from any replica; those that it has, in order, up to `bytes`. */
  readAt(mailbox: Mailbox, seqs: readonly number[], bytes: number): Promise<readonly StoredMessage[]>;
  /** Sequence of the last message, as the leader has it; 0 when there is none. */
  lastSeq(mailbox: Mailbox, filter: LogFilter): Promise<number>;
  /** One message of the mailbox as the leader has it. */
  at(mailbox: Mailbox, seq: number): Promise<StoredMessage | undefined>;
  /** Generation (1–255) of the stream in which the mailbox lies. */
  generation(mailbox: Mailbox): Promise<number>;
}

export interface MessageCount {
  readonly count: number;
  /** The first one of them; undefined when there is none. */
  readonly first: Pick<StoredMessage, 'timeMs' | 'endsAtMs'> | undefined;
}

/** What is stored in a mailbox, counted. Every method may throw `message-store-unavailable`. */
export interface MessageCounts {
  /** How many messages there are from a start on, as one replica has it; what ended a moment ago may be among them. */
  count(mailbox: Mailbox, filter: LogFilter, start: LogStart): Promise<MessageCount>;
  /** Topic and sender of what is stored in the mailbox, each combination once, as the leader has it. */
  cells(mailbox: Mailbox): Promise<readonly { readonly topic: string; readonly sender: string }[]>;
}

/** Names a cursor. */
export interface CursorName {
  readonly mailbox: Mailbox;
  /** Verbatim. */
  readonly clientId: string;
  /** The instant in canonical form (nanoseconds since the epoch, decimal), or empty. */
  readonly from: string;
}

export interface LoadedCursor {
  readonly cursor: Cursor;
  /** Revision of the record, 0 when there is none yet. */
  readonly revision: number;
  /** Server time when it was loaded. Unit: ms. */
  readonly nowMs: number;
}

/** A pure step from one record to the next; the same object back means that nothing changed. */
export type CursorChange<Outcome> = (
  cursor: Cursor,
  nowMs: number,
) => { readonly cursor: Cursor; readonly outcome: Outcome };

export interface CursorStore {
  /** The record as it is now; a new one where there is none. */
  load(name: CursorName): Promise<LoadedCursor>;
  /**
   * The record as this instance saw it last, without asking; undefined when it knows of none. It may be old: what is
   * decided on it counts when an update finds the very same cursor.
   */
  known(name: CursorName): Promise<LoadedCursor | undefined>;
  /**
   * Applies a change by compare-and-set, as often as it takes, together with others that wait for the same record.
   * @param atLeast a revision that the caller has seen: a change that changes nothing may be judged on it or later
   * @throws BrokerError `cursor-contended` when others are faster for too long, `message-store-unavailable`
   */
  update<Outcome>(name: CursorName, change: CursorChange<Outcome>, atLeast?: number): Promise<Outcome>;
}

/** All cursors of one client id, whatever their `from`. */
export interface ClientCursors {
  loadAll(mailbox: Mailbox, clientId: string): Promise<readonly LoadedCursor[]>;
  /**
   * Applies a change to each of them. Where some have changed, those for which others were too fast are left out.
   * @throws BrokerError as `CursorStore.update`; `cursor-contended` only when nothing has changed
   */
  updateAll<Outcome>(
    mailbox: Mailbox,
    clientId: string,
    change: CursorChange<Outcome>,
  ): Promise<readonly Outcome[]>;
}
