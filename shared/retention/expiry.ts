// Expired messages are acknowledged and trimmed, and their senders told (design §6). A message is due at the end of
// its retention class; within a class the order of storage is the order of expiry, so what is due is always in front.
//
// Order of work, for which a kill at any point is harmless: receipts are written first (at most once each, by their
// subject); then the messages leave the cursors that hold them pending; then they are settled in the queue. Whoever
// repeats it finds the receipts written.
//
// A store that is full takes neither receipts nor cursors. It gets room again only by what is settled and trimmed here,
// and that needs none: then senders are not told, and what cursors hold pending is left to their own next change.

import { BrokerError } from '../broker-error';
import type { Log, LogFields } from '../log';
import { mapConcurrently } from '../map-concurrently';
import { PartlyFailed, type StepCounts } from './step';

/** One due message, without its body. */
export interface DueMessage {
  readonly seq: number;
  /** Mailbox token. */
  readonly mailbox: string;
  /** Generation of the stream in which it lies. */
  readonly generation: number;
  readonly topic: string;
  /** Sender's token. */
  readonly sender: string;
  /** When it was stored. Server time, ms. */
  readonly timeMs: number;
  readonly dueAtMs: number;
  /** When it ended: when its own life was over, or its class's. */
  readonly endsAtMs: number;
  /** The recipient as its sender named it; absent where nobody is told (keys, receipts). */
  readonly recipient: string | undefined;
  /** Number of the key that seals its id. */
  readonly keyNumber: number;
  /** It is done with: the queue does not hand it out again. Returns when that is on its way. */
  readonly settle: () => void;
  /** Gives it back: it is not due yet. */
  readonly giveBack: () => void;
}

/** Port: the messages of one shard and retention class, in order, behind those that are settled. */
export interface ExpiryQueue {
  readonly shard: number;
  readonly retentionClass: string;
  /** Reads only. */
  look(): Promise<QueueView>;
  /** Hands out messages, oldest first, for a limited time; those that nobody settles are handed out again. */
  pull(max: number): Promise<readonly DueMessage[]>;
  /** Returns when all that was settled so far is recorded. */
  flush(): Promise<void>;
  /** Removes settled messages from the store. Returns their number. */
  trim(): Promise<number>;
  /** The class is in use; an unused one is retired when nothing of it is left. */
  readonly configured: boolean;
  retire(): Promise<void>;
}

export interface QueueView {
  /** When the first unsettled message is due; undefined when there is none. */
  readonly firstDueAtMs: number | undefined;
  /** Settled messages are still stored. */
  readonly trimmable: boolean;
}

export interface ExpiryDependencies {
  /** Every queue that there is, those of classes no longer configured included. */
  readonly queues: () => Promise<readonly ExpiryQueue[]>;
  /** Looks after the cursors of one mailbox. */
  readonly cursors: ExpiryCursors;
  /** Tells the sender of a message that it has expired; telling it again changes nothing. */
  readonly tellSender: (message: DueMessage) => Promise<void>;
  /** Strikes off a class that is not configured and of which no queue is left. */
  readonly forgetClass: (retentionClass: string) => Promise<void>;
  /** Server time. Unit: ms. */
  readonly now: () => Promise<number>;
  /** Where a run begins. At least 0 and less than 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Port: cursors by mailbox. */
export interface ExpiryCursors {
  /**
   * What those that the mailbox has now say of messages in it. One that is made later never holds a message that is due
   * by now.
   */
  of(shard: number, mailbox: string, messages: readonly DueMessage[]): Promise<MailboxCursors>;
}

export interface MailboxCursors {
  /** Which of the messages no cursor has acknowledged. */
  readonly unacknowledged: readonly DueMessage[];
  /** Takes the messages out of every cursor that holds them pending. */
  release(): Promise<void>;
}

/** Messages handled at once: what groups them by mailbox well and still takes little memory. */
const batchSize = 1_000;
const concurrentLooks = 16;
const concurrentMailboxes = 16;
/** Of one mailbox. */
const concurrentReceipts = 8;

/**
 * Settles and trims what is due, one shard after the other, until nothing is due or time is up. What fails is left to
 * a later run and keeps nothing else waiting.
 * @throws PartlyFailed when something failed
 */
export async function expireMessages(
  dependencies: ExpiryDependencies,
  isOutOfTime: () => boolean,
): Promise<StepCounts> {
  const run = new ExpiryRun(dependencies, isOutOfTime);
  const queues = beginningAt(await dependencies.queues(), dependencies.random());
  // Looking is cheap and disturbs nobody, so it is done everywhere at once; working is done one by one.
  const views = await mapConcurrently(queues, concurrentLooks, (queue) =>
    run.attempt(queue, () => queue.look()),
  );
  const retired = new Set<ExpiryQueue>();
  for (const [index, queue] of queues.entries()) {
    const view = views[index];
    // Without a view it is not known whether anything is left.
    if (!view) continue;
    if (await run.attempt(queue, () => run.empty(queue, view))) retired.add(queue);
  }
  for (const [name, ofClass] of Map.groupBy(queues, ({ retentionClass }) => retentionClass)) {
    const [one] = ofClass;
    if (one && ofClass.every((queue) => retired.has(queue)))
      await run.attempt(one, () => dependencies.forgetClass(name));
  }
  return run.report({ retired: retired.size });
}

/** In turn, from anywhere: where time is short, or many shards fail, the last ones have the same chance as the first. */
function beginningAt(queues: readonly ExpiryQueue[], place: number): readonly ExpiryQueue[] {
  const first = Math.floor(place * queues.length);
  return [...queues.slice(first), ...queues.slice(0, first)];
}

/** What is not due is not pulled: a pull would hand it out now, and a later one would not repeat it. */
function isDue({ firstDueAtMs }: QueueView, nowMs: number): boolean {
  return firstDueAtMs !== undefined && firstDueAtMs <= nowMs;
}

async function pullDue(queue: ExpiryQueue, nowMs: number): Promise<readonly DueMessage[]> {
  const pulled = await queue.pull(batchSize);
  for (const message of pulled) if (message.dueAtMs > nowMs) message.giveBack();
  return pulled.filter(({ dueAtMs }) => dueAtMs <= nowMs);
}

/** One run: what it has done, and what kept it from doing more. */
class ExpiryRun {
  #expired = 0;
  #receipts = 0;
  /** Senders who should have been told, had there been room. */
  #untold = 0;
  #trimmed = 0;
  /** Messages left to a later run because their mailbox failed. */
  #postponed = 0;
  #failures: unknown[] = [];

  constructor(
    private readonly dependencies: ExpiryDependencies,
    private readonly isOutOfTime: () => boolean,
  ) {}

  /** Undefined when it failed. */
  async attempt<Result>(queue: ExpiryQueue, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#failed(queue, [error]);
      return undefined;
    }
  }

  /** @throws PartlyFailed */
  report(further: StepCounts): StepCounts {
    const counts = {
      expired: this.#expired,
      receipts: this.#receipts,
      untold: this.#untold,
      postponed: this.#postponed,
      trimmed: this.#trimmed,
      ...further,
    };
    if (this.#failures.length) throw new PartlyFailed(counts, this.#failures[0]);
    return counts;
  }

  /** Settles and trims what is due in one queue. Returns whether the queue was retired. */
  async empty(queue: ExpiryQueue, first: QueueView): Promise<boolean> {
    const { now } = this.dependencies;
    let view = first;
    while (isDue(view, await now()) && !this.isOutOfTime()) {
      const due = await pullDue(queue, await now());
      // The next batch would fare like one that failed altogether.
      if (!due.length || !(await this.#settle(queue, due))) break;
      view = await queue.look();
    }
    if (view.trimmable) this.#trimmed += await queue.trim();
    else if (!queue.configured && view.firstDueAtMs === undefined) {
      await queue.retire();
      return true;
    }
    return false;
  }

  /**
   * Mailbox by mailbox, so that what is done with does not wait for the others, nor for one that fails. Returns whether
   * anything is done with.
   */
  async #settle(queue: ExpiryQueue, due: readonly DueMessage[]): Promise<boolean> {
    const mailboxes = [...Map.groupBy(due, ({ mailbox }) => mailbox)];
    const failures: unknown[] = [];
    const [expiredBefore, untoldBefore] = [this.#expired, this.#untold];
    await mapConcurrently(mailboxes, concurrentMailboxes, async ([mailbox, messages]) => {
      if (this.isOutOfTime()) {
        for (const message of messages) message.giveBack();
        return;
      }
      // When all that was begun at once has failed, it is not the mailboxes: the rest would only wait as long again.
      if (failures.length < concurrentMailboxes) {
        try {
          await this.#settleMailbox(queue.shard, mailbox, messages);
          return;
        } catch (error) {
          failures.push(error);
        }
      }
      // Handed out again in a while, not at once: the mailbox would fail again at once.
      this.#postponed += messages.length;
    });
    if (failures.length) this.#failed(queue, failures);
    await queue.flush();
    const untold = this.#untold - untoldBefore;
    if (untold) this.#log('senders were not told of expired messages: the store is full', queue, { untold });
    return this.#expired > expiredBefore;
  }

  async #settleMailbox(shard: number, mailbox: string, messages: readonly DueMessage[]): Promise<void> {
    const { cursors, tellSender } = this.dependencies;
    const own = await cursors.of(shard, mailbox, messages);
    const unread = own.unacknowledged.filter(({ recipient }) => recipient !== undefined);
    const written = await mapConcurrently(unread, concurrentReceipts, (message) =>
      unlessFull(() => tellSender(message)),
    );
    const receipts = written.filter((isWritten) => isWritten).length;
    this.#receipts += receipts;
    this.#untold += unread.length - receipts;
    await unlessFull(() => own.release());
    for (const message of messages) message.settle();
    this.#expired += messages.length;
  }

  #failed(queue: ExpiryQueue, errors: readonly unknown[]): void {
    this.#failures.push(errors[0]);
    this.#log('expiry of messages failed', queue, { count: errors.length, error: errors[0] });
  }

  #log(event: string, { shard, retentionClass }: ExpiryQueue, fields: LogFields): void {
    this.dependencies.log('error', event, { shard, retentionClass, ...fields });
  }
}

/** False where the store had no room for it. */
async function unlessFull(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'message-store-full') return false;
    throw error;
  }
}
