// Port: which client ids the participants' own mailboxes have, verbatim, and what their owners chose for them. Cursors
// know them as hashes only.

/** What a participant chooses for a client id. */
export interface ClientOptions {
  /** Leases of one message at most; after the last one it becomes a dead letter. */
  readonly maxDeliveries: number;
}

export const defaultClientOptions: ClientOptions = { maxDeliveries: 10 };

/** Every method may throw `message-store-unavailable`. */
export interface ClientRegistry {
  /** Notes that a client id is in use today. Written once a day, however often it is. */
  note(did: string, clientId: string): Promise<void>;
  /** A participant's client ids, byte for byte, sorted. */
  list(did: string): Promise<readonly string[]>;
  has(did: string, clientId: string): Promise<boolean>;
  /** What was chosen for a client id, some seconds old at most; undefined for one that does not exist. */
  find(did: string, clientId: string): Promise<ClientOptions | undefined>;
  /** Creates a client id or replaces what was chosen for it. */
  put(did: string, clientId: string, options: ClientOptions): Promise<void>;
  remove(did: string, clientId: string): Promise<void>;
  /** Forgets those not used since an instant (ms), those idle for longest first. @returns how many */
  forgetIdle(sinceMs: number, isOutOfTime: () => boolean): Promise<number>;
}
