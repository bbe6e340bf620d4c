// Reads rows of comma- or tab-separated text while they pass by: CSV as RFC 4180 says, with any line ends; TSV as
// registered with IANA, which knows no quotation marks. Time is linear in the text, memory bounded by one cell.

/** Longest cell, in UTF-16 units. */
const maxCellLength = 1_048_576;

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Where something is: both from 1; row 1 is the header. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

export interface RowListener {
  cell(text: string, place: Place): void;
  /** @param columns how many cells the row has */
  rowEnd(row: number, columns: number): void;
  /** The text is not of this format. Nothing more is read. */
  malformed(message: string, place: Place): void;
}

type State = 'cell-start' | 'plain' | 'quoted' | 'quote-in-quoted' | 'stopped';

export class DelimitedTextReader {
  readonly #delimiter: number;
  readonly #hasQuotes: boolean;
  readonly #listener: RowListener;
  #state: State = 'cell-start';
  /** What earlier chunks hold of the present cell. */
  #held = '';
  #row = 1;
  #column = 1;
  #isStart = true;
  /** A line feed that follows a carriage return is the same line end. */
  #afterReturn = false;

  constructor(format: 'CSV' | 'TSV', listener: RowListener) {
    this.#delimiter = format === 'CSV' ? 0x2c : 0x09;
    this.#hasQuotes = format === 'CSV';
    this.#listener = listener;
  }

  write(text: string): void {
    let from = 0;
    // A byte order mark says how the text is coded and is none of it.
    if (this.#isStart && text.length > 0) {
      if (text.charCodeAt(0) === 0xfeff) from = 1;
      this.#isStart = false;
    }
    for (let at = from; at < text.length && this.#state !== 'stopped'; at++) {
      const code = text.charCodeAt(at);
      if (this.#afterReturn) {
        this.#afterReturn = false;
        if (code === lineFeed) {
          from = at + 1;
          continue;
        }
      }
      if (code === 0) {
        this.#stop('must not hold NUL characters');
      } else if (this.#state === 'quoted') {
        if (code === quote) {
          this.#hold(text, from, at);
          from = at + 1;
          this.#state = 'quote-in-quoted';
        }
      } else if (code === this.#delimiter || code === lineFeed || code === carriageReturn) {
        this.#endCell(text, from, at);
        from = at + 1;
        if (code !== this.#delimiter) this.#endRow();
        this.#afterReturn = code === carriageReturn;
      } else if (this.#state === 'quote-in-quoted') {
        if (code === quote) {
          this.#state = 'quoted';
          from = at;
        } else this.#stop('must end with its closing quotation mark');
      } else if (code === quote && this.#hasQuotes) {
        if (this.#state === 'plain') {
          this.#stop('must be in quotation marks, and each mark inside it doubled');
        } else {
          this.#state = 'quoted';
          from = at + 1;
        }
      } else this.#state = 'plain';
    }
    this.#hold(text, from, text.length);
  }

  /** The text has ended; its last row needs no line end. */
  end(): void {
    if (this.#state === 'stopped') return;
    if (this.#state === 'quoted') {
      this.#stop('must have a closing quotation mark');
    } else if (this.#column > 1 || this.#state !== 'cell-start') {
      this.#endCell('', 0, 0);
      this.#endRow();
    }
  }

  #hold(text: string, from: number, to: number): void {
    if (this.#state === 'stopped') return;
    if (this.#held.length + to - from > maxCellLength) {
      this.#stop(`must not be longer than ${maxCellLength} characters`);
    } else if (to > from) this.#held += text.slice(from, to);
  }

  #endCell(text: string, from: number, to: number): void {
    if (this.#state !== 'quote-in-quoted') this.#hold(text, from, to);
    if (this.#isStopped()) return;
    this.#listener.cell(this.#held, { row: this.#row, column: this.#column });
    this.#held = '';
    this.#column++;
    this.#state = 'cell-start';
  }

  #endRow(): void {
    if (this.#isStopped()) return;
    this.#listener.rowEnd(this.#row, this.#column - 1);
    this.#row++;
    this.#column = 1;
  }

  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  #stop(message: string): void {
    this.#state = 'stopped';
    this.#held = '';
    this.#listener.malformed(message, { row: this.#row, column: this.#column });
  }
}
