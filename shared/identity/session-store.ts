// Port: where session records are kept, shared by all instances and outliving each of them.

import type { SessionRecord } from './refresh-token';

/** A record and the revision with which it may be replaced. */
export interface StoredSession {
  readonly record: SessionRecord;
  readonly revision: number;
}

export interface SessionStore {
  /** @param session random id of the session, 16 bytes */
  create(session: Uint8Array, record: SessionRecord): Promise<void>;
  /** The newest record, or undefined for a session that is unknown, revoked or long expired. */
  read(session: Uint8Array): Promise<StoredSession | undefined>;
  /**
   * Compare-and-set. `unsure`: another write came first, or the answer to this one was lost; read again and look.
   */
  replace(session: Uint8Array, record: SessionRecord, revision: number): Promise<'replaced' | 'unsure'>;
  /** Ends the session: all its refresh tokens, used and current. */
  remove(session: Uint8Array): Promise<void>;
}
