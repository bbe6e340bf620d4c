// Port: who has logged in. A participant is a DID with the roles it had at its last contact; it is never deleted.

export interface ParticipantDirectory {
  /**
   * Notes that a participant was here with these roles, which replace earlier ones. Idempotent, and without a
   * write while nothing of weight has changed.
   */
  register(did: string, roles: readonly string[]): Promise<void>;
  /** True when this DID has logged in before, on whichever instance. A no is never stale. */
  exists(did: string): Promise<boolean>;
}
