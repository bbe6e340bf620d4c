// What a client id has before it: how many messages it has not acknowledged, and since when the oldest one waits.

import { type Cursor, dropSettled, peekable, startOf } from './cursor';
import { Gatherer } from './gather';
import type { Mailbox } from './mailbox';
import type { CursorStore, LogStart, MessageCounts, MessageLog } from './message-log';

export interface ClientState {
  /** Messages not acknowledged, without dead letters; those that ended within the last minute may be among them. */
  readonly lag: number;
  /** Age of the oldest of them; null when there is none. */
  readonly oldestUnackedSeconds: number | null;
  /** Read and not acknowledged, and of those leased now. */
  readonly pending: number;
  readonly leased: number;
  readonly deadLetters: number;
}

/** (topic, sender) pairs that are counted one by one; beyond that the lag is an upper bound. */
const maxCells = 256;

export class ClientStates {
  readonly #gatherer: Gatherer;

  constructor(
    messageLog: MessageLog,
    private readonly counts: MessageCounts,
    private readonly cursors: Pick<CursorStore, 'load'>,
  ) {
    this.#gatherer = new Gatherer(messageLog);
  }

  /** Of the cursor without `from`. @throws BrokerError `message-store-unavailable` */
  async of(mailbox: Mailbox, clientId: string): Promise<ClientState> {
    const { nowMs, ...loaded } = await this.cursors.load({ mailbox, clientId, from: '' });
    const cursor = dropSettled(loaded.cursor, nowMs);
    const everything = { topics: null, senders: null };
    const [unread, oldest] = await Promise.all([
      this.#unread(mailbox, cursor),
      this.#gatherer.gather(
        { mailbox, from: undefined, filter: everything, amount: 1 },
        cursor,
        nowMs,
        peekable,
      ),
    ]);
    const pending = cursor.pending.liveCount(nowMs);
    const since = [...oldest.bySeq.values()].reduce((least, { timeMs }) => Math.min(least, timeMs), Infinity);
    return {
      lag: pending + unread,
      oldestUnackedSeconds: since === Infinity ? null : Math.max(0, Math.floor((nowMs - since) / 1_000)),
      pending,
      leased: countLeased(cursor, nowMs),
      deadLetters: cursor.pending.deadCount(),
    };
  }

  /** Messages beyond the positions: all that lie beyond what was read of everything, less what was read of some. */
  async #unread(mailbox: Mailbox, cursor: Cursor): Promise<number> {
    const readByAll = cursor.positions.reachedByAll({ topic: null, senders: null }, cursor.start);
    const fromMs = startOf(cursor, -Infinity);
    const start: LogStart = readByAll === 0 && fromMs > -Infinity ? { fromMs } : { after: readByAll };
    const beyond = this.counts.count(mailbox, { topic: null, sender: null }, start);
    const cells = cursor.positions.list.length ? await this.counts.cells(mailbox) : [];
    const further = cells.flatMap(({ topic, sender }) => {
      const reached = cursor.positions.reached(topic, sender, cursor.start);
      return reached > readByAll ? [{ topic, sender, reached }] : [];
    });
    const read = await Promise.all(
      further.slice(0, maxCells).map(async ({ topic, sender, reached }) => {
        const filter = { topic, sender };
        const [all, left] = await Promise.all([
          this.counts.count(mailbox, filter, start),
          this.counts.count(mailbox, filter, { after: reached }),
        ]);
        return all - left;
      }),
    );
    return Math.max(0, (await beyond) - read.reduce((sum, count) => sum + count, 0));
  }
}

function countLeased(cursor: Cursor, nowMs: number): number {
  let leased = 0;
  for (const { grant, leaseUntilMs } of cursor.pending) if (grant > 0 && leaseUntilMs > nowMs) leased++;
  return leased;
}
