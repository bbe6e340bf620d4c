// Who is calling: what a verified access token says, and nothing the caller could add.

export interface Caller {
  /** The participant's DID, byte for byte as in its token. */
  readonly did: string;
  /** Role names at the time the token was issued, e.g. `user.roles.<app>.apps.<org>.iam.ewc`. */
  readonly roles: readonly string[];
  /** When the token was issued, in whole seconds; absent where it does not say. Unit: ms since the epoch. */
  readonly issuedAtMs?: number;
}
