// Prints what a suite measured as tables, with the design's targets beside what they are about.

import type { CurveResult, RowResult, SuiteResult } from './run-suite';
import type { Fact } from './suite';

type Cells = readonly string[];

export function printResult(result: SuiteResult, say: (line: string) => void): void {
  const { rows, curves, facts } = result;
  if (rows.length) {
    printTable(
      ['what', 'p50 ms', 'p99 ms', 'requests/s', 'messages/s', 'of the floor', 'target'],
      rows.map(rowCells),
      say,
    );
  }
  for (const curve of curves) printCurve(curve, say);
  if (facts.length) printTable(['what', 'measured', 'at most', ''], facts.map(factCells), say);
}

function rowCells(row: RowResult): Cells {
  const { title, p50Ms, p99Ms, requestsPerSecond, messagesPerSecond, ratioToFloor, target } = row;
  return [
    title,
    p50Ms.toFixed(2),
    p99Ms.toFixed(2),
    whole(requestsPerSecond),
    messagesPerSecond > 0 ? whole(messagesPerSecond) : '',
    ratioToFloor === undefined ? '' : ratioToFloor.toFixed(2),
    target === undefined || ratioToFloor === undefined
      ? ''
      : `≥ ${target.toFixed(2)} ${verdict(ratioToFloor >= target)}`,
  ];
}

function printCurve({ title, unit, points, growth, limit }: CurveResult, say: (line: string) => void): void {
  const withRate = points.some(({ messagesPerSecond }) => messagesPerSecond !== undefined);
  const first = points[0]?.p50Ms ?? 1;
  printTable(
    [unit, 'p50 ms', 'p99 ms', '× the first', ...(withRate ? ['messages/s'] : [])],
    points.map(({ size, p50Ms, p99Ms, messagesPerSecond }) => [
      whole(size),
      p50Ms.toFixed(2),
      p99Ms.toFixed(2),
      (p50Ms / first).toFixed(2),
      ...(withRate ? [whole(messagesPerSecond ?? 0)] : []),
    ]),
    say,
    limit === undefined
      ? title
      : `${title}: ${growth.toFixed(2)} ×, at most ${limit} × ${verdict(growth <= limit)}`,
  );
}

function factCells({ title, value, unit, limit }: Fact): Cells {
  const text = Number.isInteger(value) ? String(value) : value.toFixed(2);
  const measured = [title, `${text} ${unit}`.trim()];
  return limit === undefined
    ? [...measured, '', '']
    : [...measured, `${limit} ${unit}`.trim(), verdict(value <= limit)];
}

const verdict = (met: boolean): string => (met ? 'met' : 'MISSED');

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The first column to the left, the others to the right. */
function printTable(head: Cells, body: readonly Cells[], say: (line: string) => void, title?: string): void {
  const widths = head.map((_cell, column) =>
    Math.max(...[head, ...body].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: Cells): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  say('');
  if (title !== undefined) say(title);
  say(line(head));
  say(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const cells of body) say(line(cells));
}
