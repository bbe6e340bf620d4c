// Which of Azure's type data the templates need, and the digests of what was looked at when they were written.

import { hash } from 'node:crypto';
import pins from './type-data.json';

/** `microsoft.web/2025-03-01` → SHA-256 of that file's JSON without white space. */
export const typeDataPins: Readonly<Record<string, string>> = pins;

/** `Type@version` of every resource of a Bicep text. */
export function resourceTypesIn(text: string): readonly string[] {
  return [...text.matchAll(/'(Microsoft\.[\w/]+@[\d-]+)'/g)].map(([, type = '']) => type);
}

/** The key of a file's pin: `web/microsoft.web/2025-03-01/types.json` is `microsoft.web/2025-03-01`. */
export const pinOf = (path: string): string => path.split('/').slice(1, 3).join('/');

export const digestOf = (json: string): string => hash('sha256', JSON.stringify(JSON.parse(json)));
