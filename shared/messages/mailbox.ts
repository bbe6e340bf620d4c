// Mailboxes and the fixed-length tokens by which mailboxes and senders are known inside the store. User text
// never becomes part of a name: JetStream stores a publish to a subject with `*` or `>` in it (2.15.1).

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** What one recipient receives: its DID's messages, an anonymous key's, its encrypted keys, its receipts. */
export type MailboxKind = 'did' | 'anonymous' | 'keys' | 'receipts';

export interface Mailbox {
  readonly kind: MailboxKind;
  /** The DID, or for `anonymous` the key with its registration: byte for byte, never normalized. */
  readonly identifier: string;
}

const base32Alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Lower-case base32 without padding (RFC 4648 §6). */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32Alphabet.charAt((held >>> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + base32Alphabet.charAt((held << (5 - bits)) & 31) : text;
}

/** Characters of every token: 128 bits in base32. */
export const tokenLength = 26;

/**
 * A token of fixed length and alphabet for any text: base32 of SHA-256 over the parts, cut to 128 bits.
 * JSON keeps the parts apart and tells even lone surrogates from their replacement character.
 */
export function tokenOf(...parts: readonly string[]): string {
  return base32(hash('sha256', JSON.stringify(parts), 'buffer').subarray(0, 16));
}

/** One request asks for its mailbox's token several times. */
const mailboxTokens = new WeakMap<Mailbox, string>();

export function mailboxToken(mailbox: Mailbox): string {
  const known = mailboxTokens.get(mailbox);
  if (known !== undefined) return known;
  const token = tokenOf(mailbox.kind, mailbox.identifier);
  mailboxTokens.set(mailbox, token);
  return token;
}

/** Making a token takes 2 µs, a tenth of what a publish costs with all of its own. About 5 MB each. */
const maxKnown = 20_000;
const didMailboxes = new LRUCache<string, Mailbox>({ max: maxKnown });
const senderTokens = new LRUCache<string, string>({ max: maxKnown });

/** A DID's own mailbox: of one that was asked for lately the same object, whose names are known. */
export function didMailbox(did: string): Mailbox {
  const known = didMailboxes.get(did);
  if (known) return known;
  const mailbox: Mailbox = { kind: 'did', identifier: did };
  didMailboxes.set(did, mailbox);
  return mailbox;
}

/** The token under which a sender stands in a message's subject. */
export function senderToken(did: string): string {
  const known = senderTokens.get(did);
  if (known !== undefined) return known;
  const token = tokenOf('sender', did);
  senderTokens.set(did, token);
  return token;
}
