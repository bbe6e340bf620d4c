// Port: where a participant's roles come from. The broker never judges for itself who has which role.

export interface RoleSource {
  /** Roles of a DID at this moment; none is an answer, not an error. */
  rolesOf(did: string): Promise<readonly string[]>;
}

/** Nobody has roles: what is used when no source is set, so that only externally issued tokens carry any. */
export const noRoles: RoleSource = { rolesOf: () => Promise.resolve([]) };
