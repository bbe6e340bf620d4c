// Message ids: the stream sequence, encrypted and authenticated in the manner of SIV (RFC 5297: the tag is the
// initialisation vector), bound to the mailbox and to the generation of its stream. An id needs no storage,
// reveals nothing, is the same for sender and recipient, and opens in no other mailbox.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { mapInPortions } from '../map-in-portions';

const tagBytes = 6;
const sequenceBytes = 6;

export interface NumberedKey {
  /** 0–255; stored with each message, so that keys can be rotated. */
  readonly number: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Where an id is valid: one mailbox, in one generation (1–255) of its stream. */
export interface SealingContext {
  /** The mailbox's token. */
  readonly mailbox: string;
  readonly generation: number;
}

/** Key objects: with the bytes of a key every HMAC would make one, which is four fifths of its time. */
interface Subkeys {
  readonly authenticating: KeyObject;
  readonly encrypting: KeyObject;
}

export class MessageIds {
  readonly #keys: ReadonlyMap<number, Subkeys>;
  /** Number of the key that seals new messages. */
  readonly currentKey: number;

  /** @param keys at least one; the first one seals, all open */
  constructor(keys: readonly NumberedKey[]) {
    const [first] = keys;
    if (!first) throw new RangeError('A message id key is needed.');
    this.currentKey = first.number;
    this.#keys = new Map(
      keys.map(({ number, key }) => [
        number,
        {
          authenticating: subkey(key, 'ddhub message id: authenticate'),
          encrypting: subkey(key, 'ddhub message id: encrypt'),
        },
      ]),
    );
  }

  /**
   * @param seq 1 to 2^48 − 1
   * @param keyNumber the key stored with the message; when it is no longer configured, the current one is used:
   *   the message keeps an id that opens, though not the one its sender was told
   * @returns 24 lower-case hex characters
   */
  seal(seq: number, context: SealingContext, keyNumber: number): string {
    const keys = this.#keys.get(keyNumber) ?? this.#keys.get(this.currentKey);
    if (!keys) throw new RangeError('The current key is among the keys.');
    const plain = Buffer.alloc(sequenceBytes);
    plain.writeUIntBE(seq, 0, sequenceBytes);
    const tag = tagOf(keys, plain, context);
    return tag.toString('hex') + mask(keys, plain, tag, context.mailbox).toString('hex');
  }

  /** The sequence inside an id, or undefined when it was not sealed for this mailbox and generation. */
  open(id: string, context: SealingContext): number | undefined {
    if (!/^[0-9a-f]{24}$/.test(id)) return undefined;
    const bytes = Buffer.from(id, 'hex');
    const tag = bytes.subarray(0, tagBytes);
    for (const keys of this.#keys.values()) {
      const plain = mask(keys, bytes.subarray(tagBytes), tag, context.mailbox);
      if (tagOf(keys, plain, context).equals(tag)) return plain.readUIntBE(0, sequenceBytes);
    }
    return undefined;
  }

  /** The sequences inside ids, each once, as open() has them. Many ids let others have their turn in between. */
  async openAll(
    ids: Iterable<string>,
    context: SealingContext,
  ): Promise<ReadonlyMap<string, number | undefined>> {
    const entries = await mapInPortions([...new Set(ids)], (id) => [id, this.open(id, context)] as const);
    return new Map(entries);
  }
}

function subkey(key: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(createHmac('sha256', key).update(purpose).digest());
}

function tagOf(keys: Subkeys, plain: Uint8Array, { mailbox, generation }: SealingContext): Buffer {
  return createHmac('sha256', keys.authenticating)
    .update(Uint8Array.of(generation))
    .update(plain)
    .update(mailbox)
    .digest()
    .subarray(0, tagBytes);
}

/** XORs with a key stream that depends on the tag; its own inverse. */
function mask(keys: Subkeys, bytes: Uint8Array, tag: Uint8Array, mailbox: string): Buffer {
  const stream = createHmac('sha256', keys.encrypting).update(tag).update(mailbox).digest();
  return Buffer.from(bytes.map((byte, index) => byte ^ (stream[index] ?? 0)));
}
