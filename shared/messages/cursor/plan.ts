// The plan of a search: which subjects are read, from where, and for whom (design §4). At most 16 reads, by
// (topic, sender) while they are that few, else by topic or by sender, else one over the mailbox. What is far
// behind the rest of its subject gets a read of its own, so that it neither waits nor drags the others back.

import { type Cursor, cursorLimits, type Filter } from './cursor';
import { type Scope, SenderSet } from './positions';

export const maxReads = 16;

/**
 * Sequences by which a (topic, sender) may lag and still be read along with the rest: reading a few messages
 * twice is cheaper than a read more.
 */
const nearEnough = 512;

/** One read: a subject, from where, and the scopes for which it counts. */
export interface PlannedRead {
  /** Topic of the subject, or any (null). */
  readonly topic: string | null;
  /** Sender token of the subject, or any (null). */
  readonly sender: string | null;
  /** Messages with a greater sequence are read. */
  readonly after: number;
  /** What the read serves; a new message is taken only through the read that serves it. */
  readonly serves: readonly Scope[];
  /**
   * For a scope that was behind: where the wide read of this plan starts. When its own read brings nothing new and
   * the leader has nothing newer, the scope joins the others there.
   */
  readonly joinsAt?: number;
}

/**
 * Topics × senders that one plan reads apart from others at most: what is read by itself has a reach of its own,
 * which takes a position for each topic of the filter. The other half of the positions is for all the rest.
 */
const maxCellsApart = cursorLimits.positions / 2;

/** The filter has more topics × senders than a cursor can keep apart. */
export class FilterTooWide extends Error {
  constructor() {
    super(
      `A filter may have ${cursorLimits.positions} topics, and ${cursorLimits.cells} combinations of topic and sender.`,
    );
    this.name = 'FilterTooWide';
  }
}

/** Rows are topics, columns are senders; `[null]` where the filter leaves them open. */
interface Cells {
  readonly topics: readonly (string | null)[];
  readonly senders: readonly (string | null)[];
  /** All senders of the filter as one set, shared by every scope that has them all. */
  readonly allSenders: SenderSet | null;
  /** How far each cell has been read, row by row. */
  readonly reached: Float64Array;
}

/** @throws FilterTooWide */
export function planReads(cursor: Cursor, filter: Filter): readonly PlannedRead[] {
  const cells = cellsOf(cursor, filter);
  const rows = cells.topics.map((_topic, row) => row);
  const columns = cells.senders.map((_sender, column) => column);
  const regions = (): readonly (readonly [readonly number[], readonly number[]])[] => {
    if (rows.length * columns.length <= maxReads) {
      return rows.flatMap((row) => columns.map((column) => [[row], [column]] as const));
    }
    if (rows.length <= maxReads && filter.topics) return rows.map((row) => [[row], columns] as const);
    if (columns.length <= maxReads && filter.senders && rows.length * columns.length <= maxCellsApart)
      return columns.map((column) => [rows, [column]] as const);
    return [[rows, columns]];
  };
  const wide = regions();
  let spare = maxReads - wide.length;
  return wide.flatMap(([regionRows, regionColumns]) => {
    const reads = planRegion(cells, regionRows, regionColumns, spare);
    spare -= reads.length - 1;
    return reads;
  });
}

function cellsOf(cursor: Cursor, filter: Filter): Cells {
  const topics = filter.topics ?? [null];
  const senders = filter.senders ?? [null];
  if (topics.length > cursorLimits.positions || topics.length * senders.length > cursorLimits.cells) {
    throw new FilterTooWide();
  }
  const columnOf = new Map(senders.map((sender, column) => [sender, column]));
  const raise = (row: Float64Array, { senders: set, readThrough }: Scope & { readThrough: number }): void => {
    if (set === null) {
      row.forEach((value, column) => (row[column] = Math.max(value, readThrough)));
      return;
    }
    for (const sender of set.sorted) {
      const column = columnOf.get(sender);
      if (column !== undefined) row[column] = Math.max(row[column] ?? 0, readThrough);
    }
  };
  const common = new Float64Array(senders.length).fill(cursor.start);
  for (const position of cursor.positions.ofTopic(null)) raise(common, position);
  const reached = new Float64Array(topics.length * senders.length);
  topics.forEach((topic, index) => {
    const row = reached.subarray(index * senders.length, (index + 1) * senders.length);
    row.set(common);
    if (topic !== null) for (const position of cursor.positions.ofTopic(topic)) raise(row, position);
  });
  return { topics, senders, allSenders: filter.senders && new SenderSet(filter.senders), reached };
}

type Cell = readonly [row: number, column: number];

/** The wide read over a region, and reads of their own for what is far behind it, `spare` at most. */
function planRegion(
  cells: Cells,
  rows: readonly number[],
  columns: readonly number[],
  spare: number,
): readonly PlannedRead[] {
  const at = (row: number, column: number): number => cells.reached[row * cells.senders.length + column] ?? 0;
  const levels = [...new Set(rows.flatMap((row) => columns.map((column) => at(row, column))))].sort(
    (a, b) => b - a,
  );
  const behind = (level: number): readonly Behind[] =>
    behindScopes(cells, rows, columns, (r, c) => at(r, c) < level);
  // The higher the wide read starts, the more is behind it: the highest start that the spare reads allow is found
  // by bisection over the levels, highest first.
  let low = 0;
  let high = levels.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const apart = behind(levels[middle] ?? 0);
    const scopes = apart.reduce((sum, { serves }) => sum + serves.length, 0);
    if (apart.length <= spare && scopes <= maxCellsApart) high = middle;
    else low = middle + 1;
  }
  const highest = levels[low] ?? 0;
  const start = levels.findLast((level) => level >= highest - nearEnough) ?? highest;
  const apart = behind(start);
  const isApart = new Set(
    apart.flatMap(({ cells: members }) => members.map(([row, column]) => key(row, column))),
  );
  const serves = rows.flatMap((row): Scope[] => {
    const own = columns.filter((column) => !isApart.has(key(row, column)));
    return own.length ? [scopeOf(cells, row, own)] : [];
  });
  return [
    {
      topic: rows.length === 1 ? (cells.topics[rows[0] ?? 0] ?? null) : null,
      sender: columns.length === 1 ? (cells.senders[columns[0] ?? 0] ?? null) : null,
      after: start,
      serves,
    },
    ...apart.map(({ topic, sender, serves: scopes, cells: members }) => ({
      topic,
      sender,
      after: members.reduce((least, [row, column]) => Math.min(least, at(row, column)), Infinity),
      serves: scopes,
      joinsAt: start,
    })),
  ];
}

function key(row: number, column: number): number {
  return row * cursorLimits.cells + column;
}

function scopeOf(cells: Cells, row: number, columns: readonly number[]): Scope {
  const topic = cells.topics[row] ?? null;
  if (cells.allSenders === null) return { topic, senders: null };
  if (columns.length === cells.senders.length) return { topic, senders: cells.allSenders };
  return { topic, senders: new SenderSet(columns.map((column) => cells.senders[column] ?? '')) };
}

/** Cells that one subject reads together: a whole topic, a whole sender, or one (topic, sender). */
interface Behind {
  readonly topic: string | null;
  readonly sender: string | null;
  readonly cells: readonly Cell[];
  readonly serves: readonly Scope[];
}

function behindScopes(
  cells: Cells,
  rows: readonly number[],
  columns: readonly number[],
  isBehind: (row: number, column: number) => boolean,
): readonly Behind[] {
  const topicOf = (row: number): string | null => cells.topics[row] ?? null;
  const senderOf = (column: number): string | null => cells.senders[column] ?? null;
  const wholeRows = rows.filter((row) => columns.every((column) => isBehind(row, column)));
  // Everything behind is not behind anything: the wide read itself starts lower then.
  const inRow = new Set(wholeRows);
  const otherRows = rows.filter((row) => !inRow.has(row));
  const wholeColumns = columns.filter((column) => otherRows.every((row) => isBehind(row, column)));
  const inColumn = new Set(otherRows.length ? wholeColumns : []);
  const single: Cell[] = otherRows.flatMap((row) =>
    columns
      .filter((column) => !inColumn.has(column) && isBehind(row, column))
      .map((column): Cell => [row, column]),
  );
  return [
    ...wholeRows.map((row) => ({
      topic: topicOf(row),
      sender: columns.length === 1 ? senderOf(columns[0] ?? 0) : null,
      cells: columns.map((column): Cell => [row, column]),
      serves: [scopeOf(cells, row, columns)],
    })),
    ...[...inColumn].map((column) => ({
      topic: otherRows.length === 1 ? topicOf(otherRows[0] ?? 0) : null,
      sender: senderOf(column),
      cells: otherRows.map((row): Cell => [row, column]),
      serves: otherRows.map((row) => scopeOf(cells, row, [column])),
    })),
    ...single.map(([row, column]) => ({
      topic: topicOf(row),
      sender: senderOf(column),
      cells: [[row, column] as const],
      serves: [scopeOf(cells, row, [column])],
    })),
  ];
}
