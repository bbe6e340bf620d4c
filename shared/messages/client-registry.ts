// Port: which client ids the participants' own mailboxes have, verbatim. Cursors know them as hashes only.

/** Every method may throw `message-store-unavailable`. */
export interface ClientRegistry {
  /** Notes that a client id is in use today. Written once a day, however often it is. */
  note(did: string, clientId: string): Promise<void>;
  /** A participant's client ids, byte for byte, sorted. */
  list(did: string): Promise<readonly string[]>;
  has(did: string, clientId: string): Promise<boolean>;
  remove(did: string, clientId: string): Promise<void>;
  /** Forgets those not used since an instant (ms), those idle for longest first. @returns how many */
  forgetIdle(sinceMs: number, isOutOfTime: () => boolean): Promise<number>;
}
