// Checks the bytes of a file of rows while they stream by; ends at the first fault. It works on the thread that answers
// requests, in slices between which others are served. A cell that is dear to match is left to a thread of its own.

import { setImmediate } from 'node:timers/promises';
import type { ContentCheck } from '../../topics/content-check';
import { schemaViolation } from './schema-faults';
import { type CellToMatch, TableCheck } from './table-check';
import type { Table } from './table-schema';

/** Time after which others are served. */
const sliceMs = 10;
/** Longest piece of a text that is read without looking at the time. Unit: UTF-16 units. */
const maxPieceLength = 16_384;
/** Cells that a thread is given at a time; one alone may be as long. Unit: UTF-16 units. */
const maxBatchLength = 16_384;

export interface DearMatching {
  /** Steps of one match that may be done at once. */
  readonly maxSteps: number;
  /** Matches elsewhere. @returns the index of a text that does not match; undefined when all do */
  readonly findUnmatched: (pattern: string, texts: readonly string[]) => Promise<number | undefined>;
}

export class TableContentCheck implements ContentCheck {
  readonly #check: TableCheck;
  readonly #matching: DearMatching;
  readonly #pieceLength: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #dearCells: CellToMatch[] = [];
  #dearLength = 0;
  #sliceEndsAt = 0;

  constructor(table: Table, matching: DearMatching) {
    this.#matching = matching;
    this.#check = new TableCheck(table, { maxFaults: 1, matches: (cell) => this.#matchOrDefer(cell) });
    // What many short cells of one piece take together is bounded as what one cell takes.
    const stepsPerCharacter = table.columns.map(({ pattern }) => pattern?.stepsPerCharacter ?? 0);
    const mostSteps = stepsPerCharacter.reduce((most, steps) => Math.max(most, steps), 1);
    this.#pieceLength = Math.min(maxPieceLength, Math.ceil(matching.maxSteps / mostSteps));
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#read(chunk);
  }

  async end(): Promise<void> {
    await this.#read(undefined);
    this.#check.end();
    await this.#matchDearCells();
  }

  async #read(chunk: Uint8Array | undefined): Promise<void> {
    const text = this.#decode(chunk);
    for (let at = 0; at < text.length; at += this.#pieceLength) {
      if (performance.now() > this.#sliceEndsAt) {
        await setImmediate();
        this.#sliceEndsAt = performance.now() + sliceMs;
      }
      this.#check.write(text.slice(at, at + this.#pieceLength));
      if (this.#dearLength >= maxBatchLength) await this.#matchDearCells();
    }
  }

  #decode(chunk: Uint8Array | undefined): string {
    try {
      return this.#decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      throw schemaViolation([{ field: '', message: 'must be UTF-8' }], error);
    }
  }

  #matchOrDefer(cell: CellToMatch): boolean {
    const { pattern, text } = cell;
    if (text.length * pattern.stepsPerCharacter <= this.#matching.maxSteps) return pattern.test(text);
    this.#dearCells.push(cell);
    this.#dearLength += text.length;
    return true;
  }

  async #matchDearCells(): Promise<void> {
    const byPattern = Map.groupBy(this.#dearCells, ({ pattern }) => pattern.source);
    this.#dearCells = [];
    this.#dearLength = 0;
    for (const [pattern, cells] of byPattern) {
      const index = await this.#matching.findUnmatched(
        pattern,
        cells.map(({ text }) => text),
      );
      const unmatched = index === undefined ? undefined : cells[index];
      if (unmatched) throw schemaViolation([unmatched.fault]);
    }
  }
}
