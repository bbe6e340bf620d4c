// Port: what says at once that a message has been stored in a mailbox. A hint and never a fact: it may come before
// the message can be read, and while a connection is away it does not come at all.

import type { Mailbox } from './mailbox';

export interface Arrivals {
  /**
   * Calls `arrived` with topic id and sender's token of each message stored in the mailbox from now on.
   * @returns what ends it
   * @throws BrokerError `message-store-unavailable`
   */
  watch(mailbox: Mailbox, arrived: (topic: string, sender: string) => void): Promise<() => void>;
}
