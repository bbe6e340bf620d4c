// The index tag by which a participant's open upload slots are counted: a digest, because a tag holds few characters.

import { createHash } from 'node:crypto';
import type { FileRecord } from '../../files/file-record';

const tagName = 'open';

const token = (ownerDid: string): string => createHash('sha256').update(ownerDid).digest('hex');

/** None for a file that is no open slot. */
export function openTag({ state, ownerDid }: FileRecord): Record<string, string> {
  return state === 'open' ? { [tagName]: token(ownerDid) } : {};
}

/** For findBlobsByTags of one container. */
export function openQuery(ownerDid: string): string {
  return `"${tagName}" = '${token(ownerDid)}'`;
}
