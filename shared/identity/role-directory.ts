// Port: who holds a role, of the participants that have logged in. What counts are the roles at the last login, refresh
// or registration, for as long as a refresh token lives.

export interface RoleDirectory {
  /**
   * DIDs of the participants that hold at least one of the roles, each once, in no order. A registration that was
   * answered before the question is in the answer, on whichever instance it was.
   * @throws BrokerError `message-store-unavailable`
   */
  holdersOf(roles: readonly string[]): Promise<readonly string[]>;
}
