// Searching and acknowledging: the loop of read record, plan, read, apply, write around the pure cursor (design §4).

import { BrokerError, invalidParameter } from '../broker-error';
import {
  acknowledge,
  type AcknowledgeOutcome,
  type Cursor,
  dropSettled,
  type Filter,
  FilterTooWide,
  type LastFact,
  type LeaderFact,
  pendingFor,
  type PlannedRead,
  planReads,
  type ReadFact,
  type ReadMessage,
  take,
} from './cursor';
import type { Mailbox } from './mailbox';
import type {
  CursorName,
  CursorStore,
  LoadedCursor,
  LogStart,
  MessageLog,
  StoredMessage,
} from './message-log';

/** Bytes of an answer to a search; never less than one message. */
export const maxAnswerBytes = 16 * 1024 * 1024;
/** Bytes that one of several reads may bring at least. */
const minReadBytes = 1024 * 1024;
/** Messages read at once where a filter may pass over many. */
const passingBatch = 1_000;
/** Plans made anew because the record changed in between. */
const maxPlans = 12;
/** After this long a search that has passed over many messages and found none saves its progress and answers. */
const passingBudgetMs = 20_000;
/** Questions to the leader that are on their way at once. */
const concurrentQuestions = 32;

export interface SearchRequest {
  readonly mailbox: Mailbox;
  readonly clientId: string;
  /** Canonical instant and its first whole millisecond; absent: from the oldest retained message on. */
  readonly from: { readonly canonical: string; readonly fromMs: number } | undefined;
  readonly filter: Filter;
  /** 1–20,000. */
  readonly amount: number;
}

export interface AcknowledgeMessagesRequest {
  readonly mailbox: Mailbox;
  readonly clientId: string;
  readonly from: SearchRequest['from'];
  readonly seqs: readonly number[];
}

/** What one read has brought: the facts for the cursor, and the messages behind them. */
interface Gathered {
  readonly reads: readonly ReadFact[];
  readonly lasts: readonly LastFact[];
  readonly pending: readonly StoredMessage[];
  readonly bySeq: ReadonlyMap<number, StoredMessage>;
}

interface NewRead extends ReadFact {
  /** Messages that are new to the cursor, with their bodies. */
  readonly found: readonly StoredMessage[];
}

export class MailboxReader {
  constructor(
    private readonly messageLog: MessageLog,
    private readonly cursors: CursorStore,
    /** For how long a position is worth remembering: longest class and margin. Unit: ms. */
    private readonly memoryMs: () => number,
  ) {}

  /**
   * Un-acknowledged messages, oldest first. Whatever is returned is pending from then on, and comes back until it is
   * acknowledged or ends.
   * @throws BrokerError `invalid-parameters` for a filter that is too wide, `cursor-contended`, `message-store-…`
   */
  async search(request: SearchRequest): Promise<readonly StoredMessage[]> {
    const name = cursorName(request);
    const fromMs = request.from?.fromMs ?? -Infinity;
    for (let plan = 1; plan <= maxPlans; plan++) {
      const loaded = await this.cursors.load(name);
      const cursor = dropSettled(loaded.cursor, loaded.nowMs);
      const gathered = await this.#gather(request, { ...loaded, cursor });
      const outcome = await this.cursors.update(
        name,
        (current, nowMs) =>
          take(
            current,
            {
              ...gathered,
              amount: request.amount,
              maxBytes: maxAnswerBytes,
              fromMs,
              planned: cursor.positions,
              memoryMs: this.memoryMs(),
            },
            nowMs,
          ),
        loaded.revision,
      );
      // Everything found was acknowledged by somebody else meanwhile: what lies behind it was not looked at yet.
      const isOvertaken = outcome.kind === 'taken' && !outcome.seqs.length && gathered.pending.length > 0;
      if (outcome.kind === 'taken' && (!isOvertaken || plan === maxPlans)) {
        return outcome.seqs.flatMap((seq) => gathered.bySeq.get(seq) ?? []);
      }
      if (outcome.kind === 'too-many-positions') {
        throw invalidParameter(
          'senderId',
          'needs more positions than this client id can hold; use fewer filters',
        );
      }
    }
    throw contended();
  }

  /** Which of these sequences are acknowledged now, and which were never delivered on this cursor. */
  async acknowledge(request: AcknowledgeMessagesRequest): Promise<ReadonlySet<number>> {
    const name = cursorName(request);
    const fromMs = request.from?.fromMs ?? -Infinity;
    const apply = (
      seqs: readonly number[],
      facts: ReadonlyMap<number, LeaderFact>,
    ): Promise<AcknowledgeOutcome> =>
      this.cursors.update(name, (cursor, nowMs) => acknowledge(cursor, { seqs, facts, fromMs }, nowMs));
    const first = await apply(request.seqs, new Map());
    if (!first.unsure.length) return first.acknowledged;
    const facts = new Map<number, LeaderFact>();
    const questions = first.unsure.values();
    const ask = async (): Promise<void> => {
      for (const seq of questions) facts.set(seq, await this.messageLog.at(request.mailbox, seq));
    };
    await Promise.all(Array.from({ length: concurrentQuestions }, ask));
    return first.acknowledged.union((await apply(first.unsure, facts)).acknowledged);
  }

  async #gather(request: SearchRequest, { cursor, nowMs }: LoadedCursor): Promise<Gathered> {
    // With the amount pending already, only what is older than the last of them could come first.
    const firstPending = pendingFor(cursor, filterTest(request.filter), 0, request.amount, nowMs);
    const before = firstPending[request.amount - 1]?.seq ?? Infinity;
    const planned = planOf(cursor, request.filter).filter(({ after }) => after < before);
    // Nothing was read yet of what stands at the start: the store finds the first message of an instant by itself.
    const beginning = cursor.start === 0 && request.from ? { fromMs: request.from.fromMs } : undefined;
    const [pending, reads] = await Promise.all([
      this.#readPending(request, cursor, nowMs),
      Promise.all(
        planned.map((read) =>
          this.#readNew(
            request,
            read,
            read.after === 0 && beginning ? beginning : { after: read.after },
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
    for (const message of [...pending, ...reads.flatMap(({ found }) => found)]) {
      bySeq.set(message.seq, message);
    }
    return { reads, lasts, pending, bySeq };
  }

  /** Pending messages up to the amount; one that no read returns does not use it up, the next one is read. */
  async #readPending(
    request: SearchRequest,
    cursor: Cursor,
    nowMs: number,
  ): Promise<readonly StoredMessage[]> {
    const found: StoredMessage[] = [];
    const wanted = filterTest(request.filter);
    let bytes = 0;
    let after = 0;
    while (found.length < request.amount && bytes < maxAnswerBytes) {
      const entries = pendingFor(cursor, wanted, after, request.amount - found.length, nowMs);
      const last = entries.at(-1);
      if (!last) break;
      const seqs = entries.map(({ seq }) => seq);
      for (const message of await this.messageLog.readAt(request.mailbox, seqs, maxAnswerBytes - bytes)) {
        found.push(message);
        bytes += message.bytes;
      }
      after = last.seq;
    }
    return found;
  }

  /** Reads on from one planned read until it has brought enough, has ended, or the search has lasted long enough. */
  async #readNew(
    request: SearchRequest,
    read: PlannedRead,
    start: LogStart,
    cursor: Cursor,
    nowMs: number,
    maxBytes: number,
  ): Promise<NewRead> {
    const endsAt = performance.now() + passingBudgetMs;
    const matches = filterTest(request.filter);
    const fromMs = request.from?.fromMs ?? -Infinity;
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
        const { seq, topic, sender, timeMs, endsAtMs, dueAtMs } = message;
        // Of what is passed over the fact is kept, not the body: it may be a hundred thousand messages.
        messages.push({ seq, topic, sender, timeMs, endsAtMs, dueAtMs, bytes: message.bytes });
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
      if (!batch.more || last === undefined || done) return { read, messages, found };
      next = { after: last };
    }
  }
}

function cursorName(request: Pick<SearchRequest, 'mailbox' | 'clientId' | 'from'>): CursorName {
  return { mailbox: request.mailbox, clientId: request.clientId, from: request.from?.canonical ?? '' };
}

function planOf(cursor: Cursor, filter: Filter): readonly PlannedRead[] {
  try {
    return planReads(cursor, filter);
  } catch (error) {
    if (error instanceof FilterTooWide) throw invalidParameter('topicId', error.message);
    throw error;
  }
}

function filterTest({ topics, senders }: Filter): (topic: string, sender: string) => boolean {
  const topicSet = topics && new Set(topics);
  const senderSet = senders && new Set(senders);
  return (topic, sender) => (topicSet?.has(topic) ?? true) && (senderSet?.has(sender) ?? true);
}

function contended(): BrokerError {
  return new BrokerError('cursor-contended', 'This cursor is changed by others all the time.', {
    retryAfterSeconds: 1,
  });
}
