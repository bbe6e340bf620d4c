// What a fetch does to a cursor: given what the reads brought, which messages are taken and how far each position
// moves. Pure; applied again, unchanged, to a record that somebody else has changed meanwhile. A search returns what
// is taken, a receive leases it (lease.ts).

import { type Cursor, cursorLimits, dropSettled, evidenceMs, positionOf, startOf } from './cursor';
import { neverLeased, type PendingChunk, type PendingEntry } from './pending-list';
import type { PlannedRead } from './plan';
import type { Position, Scope } from './positions';

/** What deciding needs to know of a stored message. */
export interface ReadMessage {
  readonly seq: number;
  readonly topic: string;
  /** Sender's token. */
  readonly sender: string;
  /** When it was stored. Server time, ms. */
  readonly timeMs: number;
  /** When it ends. Server time, ms. */
  readonly endsAtMs: number;
  /** When the timer looks after it: the end of its retention class. Server time, ms. */
  readonly dueAtMs: number;
  /** Number of the key that seals its id. */
  readonly keyNumber: number;
  /** Size in the answer. Unit: bytes. */
  readonly bytes: number;
}

/** A fact: these are all messages of the read's subject after `read.after`, up to the last one listed. */
export interface ReadFact {
  readonly read: PlannedRead;
  readonly messages: readonly ReadMessage[];
}

/** A fact from the leader: the last message of the read's subject has this sequence; 0 for none. */
export interface LastFact {
  readonly read: PlannedRead;
  readonly lastSeq: number;
}

/** What the reads of one plan have brought. */
export interface Facts {
  readonly reads: readonly ReadFact[];
  readonly lasts: readonly LastFact[];
  /** Pending messages that a read has found. */
  readonly pending: readonly ReadMessage[];
  /** The cursor with which the reads were planned, and from when on they read. */
  readonly planned: Pick<Cursor, 'start' | 'positions' | 'fromMs'>;
}

export interface TakeRequest extends Facts {
  /** Messages returned at most. */
  readonly amount: number;
  /** Bytes returned at most, but never nothing while something is there. */
  readonly maxBytes: number;
  /** Messages stored before this do not exist for the cursor. Server time, ms. */
  readonly fromMs: number;
  /** For how long a position is worth remembering. Unit: ms. */
  readonly memoryMs: number;
}

/** Why facts could not be applied. */
export type Refusal =
  /** The facts do not fit the record any more: plan and read again. */
  | { readonly kind: 'stale' }
  /** The cursor cannot hold as many positions as the filter needs. */
  | { readonly kind: 'too-many-positions' };

export type TakeOutcome =
  /** Sequences to return, ascending. */
  { readonly kind: 'taken'; readonly seqs: readonly number[] } | Refusal;

/** Messages passed over, with nothing taken, from which on the progress is worth a write. */
export const savedProgress = 256;

/** A search: what is taken is pending from then on. */
export function take(
  before: Cursor,
  request: TakeRequest,
  nowMs: number,
): { readonly cursor: Cursor; readonly outcome: TakeOutcome } {
  const cursor = dropSettled(before, nowMs);
  const absorbed = absorb(cursor, request, peekable, nowMs);
  if (absorbed.kind !== 'absorbed') return { cursor: before, outcome: absorbed };
  return {
    cursor: absorbed.cursor === cursor ? before : absorbed.cursor,
    outcome: { kind: 'taken', seqs: absorbed.taken.map(({ seq }) => seq) },
  };
}

export interface Absorbed {
  readonly kind: 'absorbed';
  /** The same as before when nothing is worth a write. */
  readonly cursor: Cursor;
  readonly taken: readonly ReadMessage[];
  /** New messages that the pending ceiling leaves. */
  readonly leftAtCeiling: number;
}

/**
 * Applies facts: chooses messages among the pending ones that `free` admits and the new ones, which become pending,
 * and moves the positions.
 */
export function absorb(
  cursor: Cursor,
  request: TakeRequest,
  free: Availability,
  nowMs: number,
): Absorbed | Refusal {
  const fromMs = startOf(cursor, request.fromMs);
  if (!stillHold(cursor, request, fromMs)) return { kind: 'stale' };
  const isOver = ({ timeMs, endsAtMs }: ReadMessage): boolean => endsAtMs <= nowMs || timeMs < fromMs;
  const { planned } = request;
  const served = request.reads.flatMap(({ read, messages }) => {
    const serves = servedBy(read.serves);
    return messages.filter((message) => serves(message) && !isOver(message));
  });
  const isFresh = ({ seq, topic, sender }: ReadMessage): boolean => seq > positionOf(cursor, topic, sender);
  // New when the reads were planned: only then was its body kept.
  const wasFresh = ({ seq, topic, sender }: ReadMessage): boolean =>
    seq > planned.positions.reached(topic, sender, planned.start);
  const fresh = served.filter(isFresh);
  if (!fresh.every(wasFresh)) return { kind: 'stale' };
  // What another fetch has taken since then is pending now, and comes before what is new.
  const overtaken = served.filter((message) => wasFresh(message) && !isFresh(message));
  const pending = [...request.pending, ...overtaken].filter((message) => {
    const entry = isOver(message) ? undefined : cursor.pending.get(message.seq);
    return entry && free.entry(entry);
  });
  const room = cursorLimits.pending - cursor.pending.liveCount(nowMs);
  const { taken, takenFresh, firstLeft, isAtCeiling } = choose(pending, fresh, request, room);
  const leftAtCeiling = isAtCeiling ? fresh.filter(({ seq }) => seq >= firstLeft).length : 0;

  const joins = request.lasts.flatMap((fact) => joined(cursor, fact, request, firstLeft, nowMs));
  // What is left was not passed over: no position moves beyond it.
  const passed = request.reads.flatMap(({ messages }) => messages.filter(({ seq }) => seq < firstLeft));
  if (!takenFresh.length && !joins.length && passed.length < savedProgress) {
    return { kind: 'absorbed', cursor, taken, leftAtCeiling };
  }
  const moved = request.reads.flatMap((fact) => movedBy(fact, firstLeft, nowMs));
  const positions = cursor.positions.with([...moved, ...joins], nowMs - request.memoryMs);
  if (positions.list.length > cursorLimits.positions) return { kind: 'too-many-positions' };
  const held = cursor.pending.with([
    ...takenFresh.map(toPending),
    ...endedUnread(cursor, request, firstLeft, fromMs, nowMs),
  ]);
  return { kind: 'absorbed', cursor: { ...cursor, fromMs, positions, pending: held }, taken, leftAtCeiling };
}

/**
 * Facts hold for a record in which every scope that a read serves has been read at least as far as the read's start,
 * and which does not begin earlier in time than the reads did.
 */
function stillHold(cursor: Cursor, { planned, reads }: Facts, fromMs: number): boolean {
  const { start, positions } = cursor;
  if (fromMs < planned.fromMs) return false;
  if (positions === planned.positions && start === planned.start) return true;
  return reads.every(({ read }) =>
    read.serves.every((scope) => positions.reachedByAll(scope, start) >= read.after),
  );
}

function servedBy(scopes: readonly Scope[]): (message: ReadMessage) => boolean {
  const byTopic = Map.groupBy(scopes, ({ topic }) => topic);
  const candidates = (topic: string): readonly Scope[] => byTopic.get(topic) ?? byTopic.get(null) ?? [];
  return ({ topic, sender }) =>
    candidates(topic).some(({ senders }) => senders === null || senders.has(sender));
}

/** Oldest first, up to the amount, the bytes and the pending ceiling; beyond the first new one left, no new one. */
function choose(
  pending: readonly ReadMessage[],
  fresh: readonly ReadMessage[],
  { amount, maxBytes }: Pick<TakeRequest, 'amount' | 'maxBytes'>,
  room: number,
): {
  readonly taken: readonly ReadMessage[];
  readonly takenFresh: readonly ReadMessage[];
  readonly firstLeft: number;
  /** Whether the ceiling alone is why a new message was left. */
  readonly isAtCeiling: boolean;
} {
  const isFresh = new Set(fresh);
  const taken: ReadMessage[] = [];
  const takenFresh: ReadMessage[] = [];
  let bytes = 0;
  let firstLeft = Infinity;
  let full = false;
  for (const message of [...pending, ...fresh].sort((one, other) => one.seq - other.seq)) {
    full ||= taken.length >= amount || (taken.length > 0 && bytes + message.bytes > maxBytes);
    if (isFresh.has(message) && (full || takenFresh.length >= room)) {
      firstLeft = message.seq;
      break;
    }
    if (full) continue;
    bytes += message.bytes;
    taken.push(message);
    if (isFresh.has(message)) takenFresh.push(message);
  }
  // At the pending ceiling the pending ones behind the first new one left are still returned.
  const isAtCeiling = !full && firstLeft < Infinity;
  if (isAtCeiling) {
    for (const message of pending) {
      if (message.seq < firstLeft) continue;
      if (taken.length >= amount || bytes + message.bytes > maxBytes) break;
      bytes += message.bytes;
      taken.push(message);
    }
  }
  return { taken, takenFresh, firstLeft, isAtCeiling };
}

/** The last sequence that a read brought before the first new message that was left; 0 for none. */
function readThroughOf({ messages }: ReadFact, firstLeft: number): number {
  return messages.findLast(({ seq }) => seq < firstLeft)?.seq ?? 0;
}

/** Each position stops at the last sequence returned before the first new message that was left. */
function movedBy(fact: ReadFact, firstLeft: number, nowMs: number): readonly Position[] {
  const readThrough = readThroughOf(fact, firstLeft);
  if (readThrough <= fact.read.after) return [];
  return fact.read.serves.map((scope) => ({ ...scope, readThrough, timeMs: nowMs }));
}

/** A scope of which the leader has nothing beyond what was read joins the others of its subject. */
function joined(
  cursor: Cursor,
  { read, lastSeq }: LastFact,
  request: Facts,
  firstLeft: number,
  nowMs: number,
): readonly Position[] {
  const { joinsAt } = read;
  const fact = request.reads.find((candidate) => candidate.read === read);
  if (joinsAt === undefined || !fact) return [];
  const own = readThroughOf(fact, firstLeft);
  const readThrough = (scope: Scope): number =>
    Math.max(own, cursor.positions.reachedByAll(scope, cursor.start));
  if (!read.serves.every((scope) => readThrough(scope) >= lastSeq)) return [];
  return read.serves.map((scope) => ({ ...scope, readThrough: joinsAt, timeMs: nowMs }));
}

function toPending({ seq, topic, sender, keyNumber, endsAtMs, dueAtMs }: ReadMessage): PendingEntry {
  return {
    seq,
    topic,
    sender,
    keyNumber,
    endsAtSeconds: Math.ceil(endsAtMs / 1_000),
    dueAtSeconds: Math.ceil(dueAtMs / 1_000),
    ...neverLeased,
  };
}

/**
 * What had ended when a position passed it was never delivered. Until the timer has looked after it, it is pending like
 * what was delivered and not acknowledged, or its sender would not be told.
 */
function endedUnread(
  cursor: Cursor,
  { reads }: Facts,
  firstLeft: number,
  fromMs: number,
  nowMs: number,
): readonly PendingEntry[] {
  return reads
    .flatMap(({ read, messages }) => {
      const serves = servedBy(read.serves);
      return messages.filter(
        (message) =>
          message.endsAtMs <= nowMs &&
          message.dueAtMs > nowMs - evidenceMs &&
          message.timeMs >= fromMs &&
          message.seq < firstLeft &&
          serves(message) &&
          message.seq > positionOf(cursor, message.topic, message.sender),
      );
    })
    .slice(0, Math.max(0, cursorLimits.pending - cursor.pending.count))
    .map(toPending);
}

/** Which pending messages a fetch may return. A chunk is asked first: whether any of its entries could be one. */
export interface Availability {
  chunk(chunk: PendingChunk): boolean;
  entry(entry: PendingEntry): boolean;
}

/** A search returns leased messages too, dead letters not. */
export const peekable: Availability = {
  chunk: ({ count, deadCount }) => count > deadCount,
  entry: ({ dead }) => !dead,
};

/** The first pending messages that have not ended, that are free and wanted, oldest first, after a sequence. */
export function pendingFor(
  cursor: Cursor,
  free: Availability,
  wanted: (topic: string, sender: string) => boolean,
  after: number,
  amount: number,
  nowMs: number,
): readonly PendingEntry[] {
  const found: PendingEntry[] = [];
  for (const chunk of cursor.pending.chunks) {
    if (chunk.last <= after || !free.chunk(chunk)) continue;
    for (const entry of chunk.entries) {
      if (found.length >= amount) return found;
      if (entry.seq <= after || entry.endsAtSeconds * 1_000 <= nowMs) continue;
      if (free.entry(entry) && wanted(entry.topic, entry.sender)) found.push(entry);
    }
  }
  return found;
}
