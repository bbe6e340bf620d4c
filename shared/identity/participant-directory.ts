// Port: who has logged in. A participant is a DID with the roles it had at its last contact; it is never deleted.

export interface ParticipantDirectory {
  /**
   * Notes that a participant was here with these roles, which replace earlier ones. Idempotent, and without a
   * write while nothing of weight has changed.
   * @param asOfMs when the roles were resolved; absent: now. Roles that are older than those noted do not replace
   *   them: a token that was issued before a revocation is still valid for a while. Unit: ms since the epoch
   */
  register(did: string, roles: readonly string[], asOfMs?: number): Promise<void>;
  /** True when this DID has logged in before, on whichever instance. A no is never stale. */
  exists(did: string): Promise<boolean>;
}
