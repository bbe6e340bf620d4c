// What a participant has decided about its own mailbox, and nobody else can change.

export interface MailboxOptions {
  /** Senders are told when a message of theirs is delivered, acknowledged or rejected. Off unless opted in. */
  readonly readReceipts: boolean;
}

/** Port: the options of every participant. Every method may throw `message-store-unavailable`. */
export interface MailboxOptionsStore {
  read(did: string): Promise<MailboxOptions>;
  replace(did: string, options: MailboxOptions): Promise<void>;
  /**
   * Whether this participant has opted in to read receipts, from memory; a change counts on every instance within 2 s.
   * At once where memory is fresh.
   */
  tellsSenders(did: string): boolean | Promise<boolean>;
}
