// A participant's client ids: which there are, and removing them with their cursors. Names are compared byte for byte
// (the first-generation broker returned them altered and deleted by substring).

import { mapConcurrently } from '../map-concurrently';
import type { RetentionStep } from '../retention';
import type { MailboxRemoval } from './anonymous-keys';
import { type AnonymousMailboxes, notYours } from './anonymous-mailboxes';
import type { ClientRegistry } from './client-registry';
import { didMailbox } from './mailbox';

const concurrentRemovals = 16;

export class ClientIds {
  constructor(
    private readonly registry: ClientRegistry,
    private readonly removal: MailboxRemoval,
    private readonly anonymousMailboxes: Pick<AnonymousMailboxes, 'remove'>,
  ) {}

  /** Client ids of the participant's own mailbox, sorted. */
  list(did: string): Promise<readonly string[]> {
    return this.registry.list(did);
  }

  /** Removes exactly these client ids; one that does not exist is none. */
  async remove(did: string, clientIds: readonly string[]): Promise<void> {
    await mapConcurrently([...new Set(clientIds)], concurrentRemovals, (clientId) =>
      this.#removeOne(did, clientId),
    );
  }

  /**
   * Removes what the participant calls by this name: its anonymous key with its mailbox, else its client id. What
   * does not exist is removed already.
   * @throws BrokerError `forbidden` when the name is somebody else's key, and no client id of the participant's
   */
  async removeNamed(did: string, name: string): Promise<void> {
    const key = await this.anonymousMailboxes.remove(did, name);
    if (key === 'removed') return;
    // First: nobody shall keep another from its own client id by registering a key of that name.
    if (await this.registry.has(did, name)) return this.#removeOne(did, name);
    if (key === 'foreign') throw notYours();
  }

  /** The cursors first: when the rest fails, the name is still there to try again. */
  async #removeOne(did: string, clientId: string): Promise<void> {
    await this.removal.removeCursors(didMailbox(did), clientId);
    await this.registry.remove(did, clientId);
  }
}

/**
 * Forgets client ids that are idle for longer than the longest retention class: their cursors have nothing left to
 * remember, and the store has dropped them.
 * @param memoryMs longest class and margin. Unit: ms
 * @param now server time. Unit: ms
 */
export function forgetIdleClients(
  registry: Pick<ClientRegistry, 'forgetIdle'>,
  memoryMs: () => number,
  now: () => Promise<number>,
): RetentionStep {
  return {
    name: 'forget idle client ids',
    share: 0.1,
    run: async (isOutOfTime) => ({
      forgotten: await registry.forgetIdle((await now()) - memoryMs(), isOutOfTime),
    }),
  };
}
