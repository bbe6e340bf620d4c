// Lease tokens: what names a lease outside the broker. Authenticated (HMAC-SHA-256, cut to 128 bits), and bound to the
// mailbox, hence to its participant, to the client id, the message, and the lease. The message stands in it as its id,
// which reveals nothing; whoever alters a byte has no token any more.
//
//   token = base64url(key number, message id, grant, mac, from)

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { MessageIds, NumberedKey, SealingContext } from './message-id';

const idBytes = 12;
const grantBytes = 8;
const macBytes = 16;
const headBytes = 1 + idBytes + grantBytes;
/** Longer than any that this broker has made. */
const maxTokenLength = 200;

/** A lease of one cursor of a client id. */
export interface TokenContent {
  readonly seq: number;
  readonly grant: number;
  /** The cursor's `from` in canonical form, or empty. */
  readonly from: string;
}

/** Where a token counts. */
export interface TokenContext extends SealingContext {
  /** Verbatim. */
  readonly clientId: string;
}

export class LeaseTokens {
  readonly #keys: ReadonlyMap<number, KeyObject>;

  /** @param keys those that seal message ids: the first one signs, all verify */
  constructor(
    keys: readonly NumberedKey[],
    private readonly messageIds: MessageIds,
  ) {
    this.#keys = new Map(
      keys.map(({ number, key }) => [
        number,
        createSecretKey(createHmac('sha256', key).update('ddhub lease token: authenticate').digest()),
      ]),
    );
  }

  /** @param keyNumber of the message */
  sign({ seq, grant, from }: TokenContent, context: TokenContext, keyNumber: number): string {
    const head = Buffer.alloc(headBytes);
    const number = this.messageIds.currentKey;
    head.writeUInt8(number, 0);
    head.write(this.messageIds.seal(seq, context, keyNumber), 1, 'hex');
    head.writeBigUInt64BE(BigInt(grant), 1 + idBytes);
    const tail = Buffer.from(from);
    return Buffer.concat([head, this.#mac(number, head, tail, context), tail]).toString('base64url');
  }

  /** What a token says, or undefined when it was not made by this broker for this mailbox and client id. */
  verify(token: string, context: TokenContext): TokenContent | undefined {
    if (token.length > maxTokenLength || !/^[\w-]+$/.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.byteLength < headBytes + macBytes || bytes.toString('base64url') !== token) return undefined;
    const head = bytes.subarray(0, headBytes);
    const tail = bytes.subarray(headBytes + macBytes);
    const number = head.readUInt8(0);
    if (!this.#keys.has(number)) return undefined;
    const mac = bytes.subarray(headBytes, headBytes + macBytes);
    if (!timingSafeEqual(mac, this.#mac(number, head, tail, context))) return undefined;
    const seq = this.messageIds.open(head.subarray(1, 1 + idBytes).toString('hex'), context);
    if (seq === undefined) return undefined;
    return { seq, grant: Number(head.readBigUInt64BE(1 + idBytes)), from: tail.toString() };
  }

  #mac(number: number, head: Uint8Array, tail: Uint8Array, context: TokenContext): Buffer {
    const key = this.#keys.get(number);
    if (!key) throw new RangeError('A lease token key is missing.');
    const { mailbox, generation, clientId } = context;
    return createHmac('sha256', key)
      .update(JSON.stringify([mailbox, generation, clientId]))
      .update(head)
      .update(tail)
      .digest()
      .subarray(0, macBytes);
  }
}
