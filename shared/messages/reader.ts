// Searching and acknowledging: the loop of read record, plan, read, apply, write around the pure cursor (design §4).

import { BrokerError } from '../broker-error';
import {
  acknowledge,
  type AcknowledgeOutcome,
  dropSettled,
  type Filter,
  type LeaderFact,
  peekable,
  take,
} from './cursor';
import { Gatherer, maxAnswerBytes } from './gather';
import type { Mailbox } from './mailbox';
import type { CursorName, CursorStore, MessageLog, StoredMessage } from './message-log';
import type { TellSettled } from './read-receipts';

/** Plans made anew because the record changed in between. */
export const maxPlans = 12;
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

export class MailboxReader {
  readonly #gatherer: Gatherer;

  constructor(
    private readonly messageLog: MessageLog,
    private readonly cursors: CursorStore,
    /** For how long a position is worth remembering: longest class and margin. Unit: ms. */
    private readonly memoryMs: () => number,
    /** Told of messages that have just been acknowledged. */
    private readonly settled: TellSettled = () => Promise.resolve(),
  ) {
    this.#gatherer = new Gatherer(messageLog);
  }

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
      const gathered = await this.#gatherer.gather(request, cursor, loaded.nowMs, peekable);
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
      if (outcome.kind === 'too-many-positions') throw tooManyPositions();
    }
    throw contended();
  }

  /** Which of these sequences are acknowledged now; the others were never delivered on this cursor. */
  async acknowledge(request: AcknowledgeMessagesRequest): Promise<ReadonlySet<number>> {
    const name = cursorName(request);
    const fromMs = request.from?.fromMs ?? -Infinity;
    const apply = (
      seqs: readonly number[],
      facts: ReadonlyMap<number, LeaderFact>,
    ): Promise<AcknowledgeOutcome> =>
      this.cursors.update(name, (cursor, nowMs) => acknowledge(cursor, { seqs, facts, fromMs }, nowMs));
    const first = await apply(request.seqs, new Map());
    await this.settled(request.mailbox, 'acknowledged', first.settled);
    if (!first.unsure.length) return first.acknowledged;
    const facts = new Map<number, LeaderFact>();
    const questions = first.unsure.values();
    const ask = async (): Promise<void> => {
      for (const seq of questions) facts.set(seq, factOf(await this.messageLog.at(request.mailbox, seq)));
    };
    await Promise.all(Array.from({ length: concurrentQuestions }, ask));
    const second = await apply(first.unsure, facts);
    // Somebody may have fetched one of them meanwhile.
    await this.settled(request.mailbox, 'acknowledged', second.settled);
    return first.acknowledged.union(second.acknowledged);
  }
}

/** Without the body: of thousands of messages, they would fill the memory. */
function factOf(message: StoredMessage | undefined): LeaderFact {
  if (!message) return undefined;
  const { topic, sender, timeMs, endsAtMs } = message;
  return { topic, sender, timeMs, endsAtMs };
}

export function cursorName(request: Pick<SearchRequest, 'mailbox' | 'clientId' | 'from'>): CursorName {
  return { mailbox: request.mailbox, clientId: request.clientId, from: request.from?.canonical ?? '' };
}

export function tooManyPositions(): BrokerError {
  return new BrokerError(
    'invalid-parameters',
    'The filter needs more positions than this client id can hold; use fewer filters.',
  );
}

export function contended(): BrokerError {
  return new BrokerError('cursor-contended', 'This cursor is changed by others all the time.', {
    retryAfterSeconds: 1,
  });
}
