// Payloads in Blob for those who fetch them by themselves: a link to read one blob, made when it is handed out.

import { mapConcurrently } from '../map-concurrently';
import type { ClaimCheck } from './claim-check';
import type { StoredMessage } from './message-log';

/** Port: read access to one stored payload for some minutes. May throw `blob-store-unavailable`. */
export interface PayloadLinks {
  sign(name: string, expiresAtMs: number): Promise<string>;
}

/** What a message has in place of a payload that its reader did not ask for. */
export interface PayloadReference {
  /** Bytes of the payload as a JSON string, which is what the link brings. */
  readonly length: number;
  /** Of those bytes, in hex. */
  readonly sha256: string;
  readonly url: string;
  /** ISO-8601. */
  readonly expiresAt: string;
}

/** Life of a link. Unit: ms. */
export const payloadLinkMs = 900_000;
const concurrentLinks = 16;

/** References for those of the messages whose payload lies in Blob, by sequence. @throws `blob-store-unavailable` */
export async function referToPayloads(
  links: PayloadLinks,
  messages: readonly StoredMessage[],
  nowMs: number,
): Promise<ReadonlyMap<number, PayloadReference>> {
  const expiresAtMs = nowMs + payloadLinkMs;
  const claimed = messages.flatMap(({ seq, claim }): [number, ClaimCheck][] => (claim ? [[seq, claim]] : []));
  const references = await mapConcurrently(
    claimed,
    concurrentLinks,
    async ([seq, { blob, length, sha256 }]) => {
      const url = await links.sign(blob, expiresAtMs);
      return [seq, { length, sha256, url, expiresAt: new Date(expiresAtMs).toISOString() }] as const;
    },
  );
  return new Map(references);
}
