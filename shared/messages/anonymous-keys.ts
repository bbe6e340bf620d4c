// Ports of anonymous mailboxes: who has registered which key, and removing what a mailbox held.

import type { Mailbox } from './mailbox';

/** One registration of a key. A key that is removed and registered again has another one. */
export interface AnonymousKey {
  readonly key: string;
  /** DID of the participant that registered it, and alone may read its mailbox. */
  readonly owner: string;
  /** 32 hex characters, random. */
  readonly registration: string;
}

/** Every method may throw `message-store-unavailable`; answers are those of the leader, never remembered. */
export interface AnonymousKeys {
  find(key: string): Promise<AnonymousKey | undefined>;
  /** How many keys a participant has registered; at most a few more than that when calls were cut off. */
  count(owner: string): Promise<number>;
  /** Registers the key unless somebody has. Of several at once one wins. @returns who owns it now */
  register(key: string, owner: string): Promise<AnonymousKey>;
  /** Removes this registration; a later one of the same key stays. */
  remove(registered: AnonymousKey): Promise<void>;
  /** Removes what a registration has left that was cut off, so that it no longer counts against its owner. */
  clear(key: string, owner: string): Promise<void>;
}

/** Port: removes what is kept of a mailbox. */
export interface MailboxRemoval {
  /** Every message and every cursor. */
  removeMailbox(mailbox: Mailbox): Promise<void>;
  /** Every cursor of one client id. */
  removeCursors(mailbox: Mailbox, clientId: string): Promise<void>;
}

/**
 * The mailbox of a registration, not of the key alone: registered anew, a key is a new, empty mailbox, also for its
 * former owner's messages that are still on their way.
 */
export function anonymousMailbox({ key, registration }: AnonymousKey): Mailbox {
  return { kind: 'anonymous', identifier: `${registration}:${key}` };
}
