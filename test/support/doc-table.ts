// Reads the tables of a Markdown file, so that documentation can be compared with the code it describes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

/** A file of the repository as text. @param path from the root, e.g. `docs/problems.md` */
export function readDocument(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The rows of all tables of a Markdown text, without headings; cells trimmed, back-ticks kept. */
export function tableRows(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .replace(/^\|/, '')
        .replace(/\|\s*$/, '')
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    )
    .filter((cells, index, rows) => {
      const isRule = (row: string[] | undefined) => row?.every((cell) => /^:?-+:?$/.test(cell)) ?? false;
      return !isRule(cells) && !isRule(rows[index + 1]);
    });
}
