// Anonymous mailboxes: whoever knows a key may send to it, only the participant that registered it may read what
// came. (The first-generation broker let everybody read who knew the key.)

import { BrokerError } from '../broker-error';
import { mapConcurrently } from '../map-concurrently';
import { type AnonymousKeys, anonymousMailbox, type MailboxRemoval } from './anonymous-keys';
import type { Mailbox } from './mailbox';

const concurrentKeys = 32;

export interface KeyStatus {
  readonly anonymousKey: string;
  readonly status: 'Success' | 'Fail';
  readonly message: string;
}

export class AnonymousMailboxes {
  constructor(
    private readonly keys: AnonymousKeys,
    private readonly removal: MailboxRemoval,
    /** Of one participant. */
    private readonly maxKeys: number,
  ) {}

  /**
   * Registers keys for their owner, with one status for each that was named, in that order. Idempotent.
   * @throws BrokerError `anonymous-key-is-did` when one of them looks like a DID. The code is that of a whole answer,
   *   so the whole call is refused, before any of its keys is registered: such a key is a mix-up at the sender.
   */
  async register(owner: string, keys: readonly string[]): Promise<readonly KeyStatus[]> {
    if (keys.some(looksLikeDid)) {
      throw new BrokerError(
        'anonymous-key-is-did',
        'An anonymous key must not begin with did: as a DID does.',
      );
    }
    const unique = [...new Set(keys)];
    const known = await mapConcurrently(unique, concurrentKeys, async (key) => {
      const registered = await this.keys.find(key);
      return [key, registered?.owner] as const;
    });
    const ownerOf = new Map(known);
    const added = unique.filter((key) => ownerOf.get(key) === undefined);
    const room = added.length ? Math.max(0, this.maxKeys - (await this.keys.count(owner))) : 0;
    await mapConcurrently(added.slice(0, room), concurrentKeys, async (key) => {
      ownerOf.set(key, (await this.keys.register(key, owner)).owner);
    });
    return keys.map((anonymousKey) => statusOf(anonymousKey, ownerOf.get(anonymousKey), owner));
  }

  /**
   * The mailbox of a key, to read it.
   * @throws BrokerError `forbidden` unless the caller registered the key; the same for one that nobody did
   */
  async open(caller: string, key: string): Promise<Mailbox> {
    const registered = await this.keys.find(key);
    if (registered?.owner !== caller) throw notYours();
    return anonymousMailbox(registered);
  }

  /** The mailbox of a key, to send to it; undefined when nobody has registered the key. */
  async find(key: string): Promise<Mailbox | undefined> {
    const registered = await this.keys.find(key);
    return registered && anonymousMailbox(registered);
  }

  /** Whether the caller has registered the key. */
  async owns(caller: string, key: string): Promise<boolean> {
    return (await this.keys.find(key))?.owner === caller;
  }

  /** Removes a key of the caller's with its mailbox. @returns whose it was */
  async remove(caller: string, key: string): Promise<'removed' | 'foreign' | 'unknown'> {
    const registered = await this.keys.find(key);
    if (!registered) {
      await this.keys.clear(key, caller);
      return 'unknown';
    }
    if (registered.owner !== caller) return 'foreign';
    // The key last: when the rest fails, the owner can try again. What arrives in between lies in a mailbox that
    // nobody can name any more, and ends with its retention class.
    await this.removal.removeMailbox(anonymousMailbox(registered));
    await this.keys.remove(registered);
    return 'removed';
  }
}

function statusOf(anonymousKey: string, registeredBy: string | undefined, caller: string): KeyStatus {
  if (registeredBy === caller) return { anonymousKey, status: 'Success', message: 'Registered' };
  // Gateways look for this text.
  const message = registeredBy === undefined ? 'Limit reached' : 'Record exists';
  return { anonymousKey, status: 'Fail', message };
}

export const notYours = () =>
  new BrokerError('forbidden', 'This anonymous key is not registered by the caller.');

/** As a DID begins (W3C DID Core §3.1); upper case too, which is none but was meant as one. */
const looksLikeDid = (key: string): boolean => /^did:/i.test(key);
