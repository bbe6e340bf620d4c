// Roles are names of labels joined by dots. They are compared label by label: a substring or prefix test would let
// `xuser.roles…` or `…iam.ewc.evil` pass (a defect of the first-generation broker).

/** A test for one role name. */
export type RoleMatcher = (role: string) => boolean;

/**
 * Compiles a pattern such as `user.roles.*.apps.*.iam.ewc`. A `*` stands for exactly one label, not empty; as the
 * last label of the pattern it stands for the rest, one label or more. Case counts.
 */
export function compileRolePattern(pattern: string): RoleMatcher {
  const wanted = pattern.split('.');
  const open = wanted.at(-1) === '*';
  return (role) => {
    const labels = role.split('.');
    if (open ? labels.length < wanted.length : labels.length !== wanted.length) return false;
    return labels.every((label, index) => {
      const expected = index < wanted.length ? wanted[index] : '*';
      return expected === '*' ? label !== '' : label === expected;
    });
  };
}

/** What follows `.roles.` in a role name: its namespace. Undefined when there is nothing. */
export function namespaceOf(role: string): string | undefined {
  const labels = role.split('.');
  const marker = labels.indexOf('roles');
  return marker < 0 || marker === labels.length - 1 ? undefined : labels.slice(marker + 1).join('.');
}

/**
 * True when one of `roles` matches the topic creators' pattern and its namespace is the owner, byte for byte
 * (contract §2): a role for `apps.org` says nothing about `sub.apps.org`, nor the other way round.
 */
export function mayAdministerTopicsOf(
  owner: string,
  roles: readonly string[],
  creator: RoleMatcher,
): boolean {
  return roles.some((role) => creator(role) && namespaceOf(role) === owner);
}
