// The reads of one fetch: what is pending by its sequence numbers, what is new by batches from the positions of the
// plan (design §4). Brings facts for the cursor and the messages behind them; changes nothing.

import { BrokerError } from '../broker-error';
import {
  type Availability,
  type Cursor,
  type Facts,
  type Filter,
  FilterTooWide,
  pendingFor,
  type PlannedRead,
  planReads,
  type ReadFact,
  type ReadMessage,
  startOf,
} from './cursor';
import type { Mailbox } from './mailbox';
import type { LogStart, MessageLog, StoredMessage } from './message-log';

/** Bytes of an answer to a fetch; never less than one message. */
export const maxAnswerBytes = 16 * 1024 * 1024;
/** Bytes that one of several reads may bring at least. */
const minReadBytes = 1024 * 1024;
/** Ends of pending messages are rounded up to this. Unit: ms. */
const endPrecisionMs = 1_000;
/** Messages read at once where a filter may pass over many. */
const passingBatch = 1_000;
/** Pending messages of which the leader is asked at once; a replica that lacks more is far behind. */
const maxMissed = 64;
/** After this long a fetch that has passed over many messages and found none saves its progress and answers. */
const passingBudgetMs = 20_000;

export interface GatherRequest {
  readonly mailbox: Mailbox;
  /** Messages stored before this do not exist for the cursor. Unit: ms. */
  readonly from: { readonly fromMs: number } | undefined;
  readonly filter: Filter;
  /** 1–20,000. */
  readonly amount: number;
  /** Topics of which a message is said to have arrived. */
  readonly arrived?: ReadonlySet<string>;
}

/** What the reads have brought: the facts for the cursor, and the messages behind them. */
export interface Gathered extends Facts {
  readonly pending: readonly StoredMessage[];
  readonly bySeq: ReadonlyMap<number, StoredMessage>;
  /** Whether a read ended by its bytes or its time before it had brought the amount: there may be more. */
  readonly isCut: boolean;
}

interface NewRead extends ReadFact {
  /** Messages that are new to the cursor, with their bodies. */
  readonly found: readonly StoredMessage[];
  readonly isCut: boolean;
}

interface PendingRead {
  /** Oldest first. */
  readonly found: readonly StoredMessage[];
  readonly isCut: boolean;
}

export class Gatherer {
  constructor(private readonly messageLog: Pick<MessageLog, 'read' | 'readAt' | 'lastSeq' | 'at'>) {}

  /**
   * Plans the reads of a fetch and runs them.
   * @param free which pending messages it may return
   * @throws BrokerError `invalid-parameters` for a filter that is too wide, `message-store-unavailable`
   */
  async gather(request: GatherRequest, cursor: Cursor, nowMs: number, free: Availability): Promise<Gathered> {
    const fromMs = startOf(cursor, request.from?.fromMs ?? -Infinity);
    // With the amount pending already, only what is older than the last of them could come first.
    const wanted = filterTest(request.filter);
    // The record knows a message's end to the second only: one that may have ended must not stand for a new one.
    const firstPending = pendingFor(cursor, free, wanted, 0, request.amount, nowMs + endPrecisionMs);
    const before = firstPending[request.amount - 1]?.seq ?? Infinity;
    const planned = planOf(cursor, request.filter).filter(({ after }) => after < before);
    // Nothing was read yet of what stands at the start: the store finds the first message of an instant by itself.
    const beginning = cursor.start === 0 && fromMs > -Infinity ? { fromMs } : undefined;
    const [pending, reads] = await Promise.all([
      this.readPending(request, cursor, nowMs, free),
      Promise.all(
        planned.map((read) =>
          this.#readNew(
            request,
            read,
            read.after === 0 && beginning
              ? beginning
              : { after: read.after, hasArrived: hasArrived(read, request.arrived) },
            cursor,
            nowMs,
            // Together the reads hold no more than one answer may.
            Math.max(minReadBytes, maxAnswerBytes / planned.length),
          ),
        ),
      ),
    ]);
    const lasts = await Promise.all(
      reads
        .filter(({ read, found }) => read.joinsAt !== undefined && !found.length)
        .map(async ({ read }) => ({ read, lastSeq: await this.messageLog.lastSeq(request.mailbox, read) })),
    );
    const bySeq = new Map<number, StoredMessage>();
    for (const message of [...pending.found, ...reads.flatMap(({ found }) => found)]) {
      bySeq.set(message.seq, message);
    }
    const { start, positions } = cursor;
    return {
      reads,
      lasts,
      pending: pending.found,
      planned: { start, positions, fromMs },
      bySeq,
      isCut: pending.isCut || reads.some((read) => read.isCut),
    };
  }

  /** Pending messages up to the amount; one that no read returns does not use it up, the next one is read. */
  async readPending(
    request: GatherRequest,
    cursor: Cursor,
    nowMs: number,
    free: Availability,
  ): Promise<PendingRead> {
    const found: StoredMessage[] = [];
    const wanted = filterTest(request.filter);
    let bytes = 0;
    let after = 0;
    while (found.length < request.amount && bytes < maxAnswerBytes) {
      const entries = pendingFor(cursor, free, wanted, after, request.amount - found.length, nowMs);
      const last = entries.at(-1);
      if (!last) break;
      const seqs = entries.map(({ seq }) => seq);
      const room = maxAnswerBytes - bytes;
      const read = await this.messageLog.readAt(request.mailbox, seqs, room);
      for (const message of [...read, ...(await this.#missed(request.mailbox, seqs, read, room))]) {
        if (message.endsAtMs <= nowMs) continue;
        found.push(message);
        bytes += message.bytes;
      }
      after = last.seq;
    }
    return { found, isCut: found.length < request.amount && bytes >= maxAnswerBytes };
  }

  /**
   * What was asked for and not read although there was room for it: it is gone, or a replica is behind. The leader is
   * asked, or a message would come before an earlier one of its sender.
   */
  async #missed(
    mailbox: Mailbox,
    seqs: readonly number[],
    read: readonly StoredMessage[],
    room: number,
  ): Promise<readonly StoredMessage[]> {
    const found = new Set(read.map(({ seq }) => seq));
    const isCut = read.reduce((sum, { bytes }) => sum + bytes, 0) >= room;
    const last = isCut ? (read.at(-1)?.seq ?? 0) : Infinity;
    const missing = seqs.filter((seq) => seq < last && !found.has(seq)).slice(0, maxMissed);
    const asked = await Promise.all(missing.map((seq) => this.messageLog.at(mailbox, seq)));
    return asked.filter((message) => message !== undefined);
  }

  /** Reads on from one planned read until it has brought enough, has ended, or the search has lasted long enough. */
  async #readNew(
    request: GatherRequest,
    read: PlannedRead,
    start: LogStart,
    cursor: Cursor,
    nowMs: number,
    maxBytes: number,
  ): Promise<NewRead> {
    const endsAt = performance.now() + passingBudgetMs;
    const matches = filterTest(request.filter);
    const fromMs = startOf(cursor, request.from?.fromMs ?? -Infinity);
    const messages: ReadMessage[] = [];
    const found: StoredMessage[] = [];
    let next = start;
    let bytes = 0;
    for (;;) {
      const wanted = request.amount - found.length;
      const batch = await this.messageLog.read(request.mailbox, read, next, {
        messages: messages.length ? Math.max(wanted, passingBatch) : wanted,
        bytes: maxBytes - bytes,
      });
      for (const message of batch.messages) {
        const { seq, topic, sender, keyNumber, timeMs, endsAtMs, dueAtMs } = message;
        // Of what is passed over the fact is kept, not the body: it may be a hundred thousand messages.
        messages.push({ seq, topic, sender, keyNumber, timeMs, endsAtMs, dueAtMs, bytes: message.bytes });
        const isNew =
          matches(topic, sender) &&
          endsAtMs > nowMs &&
          timeMs >= fromMs &&
          seq > cursor.positions.reached(topic, sender, cursor.start);
        if (!isNew) continue;
        found.push(message);
        bytes += message.bytes;
      }
      const last = batch.messages.at(-1)?.seq;
      const done = found.length >= request.amount || bytes >= maxBytes || performance.now() > endsAt;
      if (!batch.more || last === undefined || done) {
        return { read, messages, found, isCut: batch.more && found.length < request.amount };
      }
      next = { after: last };
    }
  }
}

function planOf(cursor: Cursor, filter: Filter): readonly PlannedRead[] {
  try {
    return planReads(cursor, filter);
  } catch (error) {
    if (error instanceof FilterTooWide) throw new BrokerError('invalid-parameters', error.message);
    throw error;
  }
}

function hasArrived({ topic }: PlannedRead, arrived: ReadonlySet<string> = new Set()): boolean {
  return topic === null ? arrived.size > 0 : arrived.has(topic);
}

function filterTest({ topics, senders }: Filter): (topic: string, sender: string) => boolean {
  const topicSet = topics && new Set(topics);
  const senderSet = senders && new Set(senders);
  return (topic, sender) => (topicSet?.has(topic) ?? true) && (senderSet?.has(sender) ?? true);
}
