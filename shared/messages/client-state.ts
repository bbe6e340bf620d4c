// What a client id has before it: how many messages it has not acknowledged, and since when the oldest one waits. It is
// told by counting, never by reading through what was passed over: each region of the mailbox that was read equally far
// is one question, whose answer also has the region's first unread message.

import { mapConcurrently } from '../map-concurrently';
import { type Cursor, dropSettled, peekable, startOf } from './cursor';
import { Gatherer } from './gather';
import type { Mailbox } from './mailbox';
import type { CursorStore, LogFilter, LogStart, MessageCounts, MessageLog } from './message-log';

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

/** What is stored in a mailbox: topics and senders, each combination once. */
type Cells = Awaited<ReturnType<MessageCounts['cells']>>;

/** Messages of one topic or all, of one sender or all, that were read equally far. */
interface Region extends LogFilter {
  readonly reached: number;
}

/** Messages that were not read. */
interface Unread {
  readonly count: number;
  /** When the oldest one was stored; Infinity for none. Unit: ms. */
  readonly sinceMs: number;
}

const everything = { topic: null, sender: null };
/** Regions that are counted one by one; beyond that lag and age are upper bounds. */
const maxRegions = 256;
const concurrentCounts = 16;
const concurrentClients = 16;
/** What is looked at behind a message that has ended and was not trimmed yet. */
const behindEnded = { messages: 1_000, bytes: 1024 * 1024 };

export class ClientStates {
  readonly #gatherer: Gatherer;

  constructor(
    private readonly messageLog: MessageLog,
    private readonly counts: MessageCounts,
    private readonly cursors: Pick<CursorStore, 'load'>,
  ) {
    this.#gatherer = new Gatherer(messageLog);
  }

  /** Of the cursor without `from`. @throws BrokerError `message-store-unavailable` */
  of(mailbox: Mailbox, clientId: string): Promise<ClientState> {
    return this.#stateOf(mailbox, clientId, () => this.counts.cells(mailbox));
  }

  /** Of several client ids of one mailbox, which is looked at once for all. @throws BrokerError as of() */
  ofAll(mailbox: Mailbox, clientIds: readonly string[]): Promise<readonly ClientState[]> {
    let cells: Promise<Cells> | undefined;
    return mapConcurrently(clientIds, concurrentClients, (clientId) =>
      this.#stateOf(mailbox, clientId, () => (cells ??= this.counts.cells(mailbox))),
    );
  }

  async #stateOf(mailbox: Mailbox, clientId: string, cells: () => Promise<Cells>): Promise<ClientState> {
    const { nowMs, ...loaded } = await this.cursors.load({ mailbox, clientId, from: '' });
    const cursor = dropSettled(loaded.cursor, nowMs);
    const all = { mailbox, from: undefined, filter: { topics: null, senders: null }, amount: 1 };
    const [unread, oldest] = await Promise.all([
      this.#unread(mailbox, cursor, nowMs, cells),
      this.#gatherer.readPending(all, cursor, nowMs, peekable),
    ]);
    const pending = cursor.pending.liveCount(nowMs);
    const sinceMs = Math.min(unread.sinceMs, oldest.found[0]?.timeMs ?? Infinity);
    return {
      lag: pending + unread.count,
      oldestUnackedSeconds: sinceMs === Infinity ? null : Math.max(0, Math.floor((nowMs - sinceMs) / 1_000)),
      pending,
      leased: countLeased(cursor, nowMs),
      deadLetters: cursor.pending.deadCount(),
    };
  }

  async #unread(
    mailbox: Mailbox,
    cursor: Cursor,
    nowMs: number,
    cells: () => Promise<Cells>,
  ): Promise<Unread> {
    const readByAll = cursor.positions.reachedByAll({ topic: null, senders: null }, cursor.start);
    const isUneven = cursor.positions.list.some(({ readThrough }) => readThrough > readByAll);
    const regions = isUneven ? regionsOf(cursor, await cells()) : [{ ...everything, reached: readByAll }];
    const known = regions.slice(0, maxRegions);
    const counted = await mapConcurrently(known, concurrentCounts, (region) =>
      this.#unreadOf(mailbox, region, startAt(cursor, region.reached), nowMs),
    );
    const sum = { count: total(counted), sinceMs: Math.min(...counted.map(({ sinceMs }) => sinceMs)) };
    const next = regions[maxRegions];
    if (!next) return sum;
    // Of the other regions: all that lies beyond the one that was read least far, less what the known ones have there.
    const start = startAt(cursor, next.reached);
    const beyond = await this.#unreadOf(mailbox, everything, start, nowMs);
    const ofKnown = await mapConcurrently(known, concurrentCounts, (region) =>
      this.counts.count(mailbox, region, start),
    );
    const others = Math.max(0, beyond.count - total(ofKnown));
    if (others === 0) return sum;
    return { count: sum.count + others, sinceMs: Math.min(sum.sinceMs, beyond.sinceMs) };
  }

  async #unreadOf(mailbox: Mailbox, filter: LogFilter, start: LogStart, nowMs: number): Promise<Unread> {
    const { count, first } = await this.counts.count(mailbox, filter, start);
    if (!first || first.endsAtMs > nowMs) return { count, sinceMs: first?.timeMs ?? Infinity };
    const { messages, more } = await this.messageLog.read(mailbox, filter, start, behindEnded);
    const oldest = messages.find(({ endsAtMs }) => endsAtMs > nowMs) ?? (more ? messages.at(-1) : undefined);
    return { count, sinceMs: oldest?.timeMs ?? Infinity };
  }
}

/** The mailbox in regions, those first that were read least far. A topic is one where all its senders were. */
function regionsOf({ positions, start }: Cursor, cells: Cells): readonly Region[] {
  const reachedCells = cells.map(({ topic, sender }) => ({
    topic,
    sender,
    reached: positions.reached(topic, sender, start),
  }));
  const regions = [...Map.groupBy(reachedCells, ({ topic }) => topic)].flatMap(
    ([topic, ofTopic]): Region[] => {
      const [{ reached } = { reached: start }] = ofTopic;
      return ofTopic.every((cell) => cell.reached === reached) ? [{ topic, sender: null, reached }] : ofTopic;
    },
  );
  return regions.sort((one, other) => one.reached - other.reached);
}

/** Where the unread begins of what was read so far. */
function startAt(cursor: Cursor, reached: number): LogStart {
  const fromMs = startOf(cursor, -Infinity);
  return reached === 0 && fromMs > -Infinity ? { fromMs } : { after: reached };
}

const total = (counted: readonly { readonly count: number }[]): number =>
  counted.reduce((sum, { count }) => sum + count, 0);

function countLeased(cursor: Cursor, nowMs: number): number {
  let leased = 0;
  for (const { grant, leaseUntilMs } of cursor.pending) if (grant > 0 && leaseUntilMs > nowMs) leased++;
  return leased;
}
