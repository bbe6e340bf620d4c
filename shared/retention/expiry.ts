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
import type { Log } from '../log';
import { mapConcurrently } from '../map-concurrently';
import type { StepCounts } from './step';

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
  readonly log: Log;
}

/** Port: cursors by mailbox. */
export interface ExpiryCursors {
  /** Those that the mailbox has now. One that is made later never holds a message that is due by now. */
  of(shard: number, mailbox: string): Promise<MailboxCursors>;
}

/** What the cursors of a mailbox say of messages. */
export interface MailboxCursors {
  /** Which of these no cursor has acknowledged. */
  unacknowledged(messages: readonly DueMessage[]): Promise<readonly DueMessage[]>;
  /** Takes these out of every cursor that holds them pending. */
  release(seqs: ReadonlySet<number>): Promise<void>;
}

/** Messages handled at once: what groups them by mailbox well and still takes little memory. */
const batchSize = 1_000;
const concurrentLooks = 16;
const concurrentMailboxes = 64;
/** Of one mailbox. */
const concurrentReceipts = 16;

/** Settles and trims what is due, one shard after the other, until nothing is due or time is up. */
export async function expireMessages(
  dependencies: ExpiryDependencies,
  isOutOfTime: () => boolean,
): Promise<StepCounts> {
  const queues = await dependencies.queues();
  // Looking is cheap and disturbs nobody, so it is done everywhere at once; working is done one by one.
  const views = await mapConcurrently(queues, concurrentLooks, (queue) => queue.look());
  const retired = new Set<ExpiryQueue>();
  let [expired, receipts, untold, trimmed] = [0, 0, 0, 0];
  for (const [index, queue] of queues.entries()) {
    let view = views[index];
    while (view && isDue(view, await dependencies.now()) && !isOutOfTime()) {
      const due = await pullDue(queue, await dependencies.now());
      if (!due.length) break;
      const told = await settle(queue, due, dependencies);
      receipts += told.receipts;
      untold += told.untold;
      expired += due.length;
      view = await queue.look();
    }
    if (view?.trimmable) trimmed += await queue.trim();
    else if (!queue.configured && view?.firstDueAtMs === undefined) {
      await queue.retire();
      retired.add(queue);
    }
  }
  for (const [name, ofClass] of Map.groupBy(queues, ({ retentionClass }) => retentionClass)) {
    if (ofClass.every((queue) => retired.has(queue))) await dependencies.forgetClass(name);
  }
  return { expired, receipts, untold, trimmed, retired: retired.size };
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

interface Told {
  readonly receipts: number;
  /** Senders who should have been told, had there been room. */
  readonly untold: number;
}

/** Mailbox by mailbox, so that what is done with does not wait for the others. */
async function settle(
  queue: ExpiryQueue,
  due: readonly DueMessage[],
  { cursors, tellSender, log }: ExpiryDependencies,
): Promise<Told> {
  const mailboxes = [...Map.groupBy(due, ({ mailbox }) => mailbox)];
  let [receipts, untold] = [0, 0];
  await mapConcurrently(mailboxes, concurrentMailboxes, async ([mailbox, messages]) => {
    const own = await cursors.of(queue.shard, mailbox);
    const told = messages.filter(({ recipient }) => recipient !== undefined);
    const unread = told.length ? await own.unacknowledged(told) : [];
    const written = await mapConcurrently(unread, concurrentReceipts, (message) =>
      unlessFull(() => tellSender(message)),
    );
    const ofMailbox = written.filter((isWritten) => isWritten).length;
    receipts += ofMailbox;
    untold += unread.length - ofMailbox;
    await unlessFull(() => own.release(new Set(messages.map(({ seq }) => seq))));
    for (const message of messages) message.settle();
  });
  await queue.flush();
  if (untold) {
    const { shard, retentionClass } = queue;
    log('error', 'senders were not told of expired messages: the store is full', {
      shard,
      retentionClass,
      untold,
    });
  }
  return { receipts, untold };
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
