// The static role source: a JSON file that an operator edits, for local work, tests and small installations.

import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../log';
import type { RoleSource } from '../../identity/role-source';

type RolesByDid = ReadonlyMap<string, readonly string[]>;

// A file system's time stamps are too coarse to tell two writes in one tick: what was read this soon after a change
// is read again, whatever the stamp says. Unit: ms.
const settledAfterMs = 2_000;

/**
 * Roles from `{"<did>": ["role", …], "*": ["role", …]}`, `*` being everyone, read again at the first login after a
 * change. A file that has become unreadable is reported and its last good content stays in force; one that never
 * was readable fails every login.
 */
export class FileRoleSource implements RoleSource {
  #known: { readonly stamp: string; readonly settled: boolean; readonly roles: RolesByDid } | undefined;
  #reported = '';

  constructor(
    private readonly file: string,
    private readonly log: Log,
  ) {}

  async rolesOf(did: string): Promise<readonly string[]> {
    const roles = await this.#read();
    return [...new Set([...(roles.get('*') ?? []), ...(did === '*' ? [] : (roles.get(did) ?? []))])];
  }

  async #read(): Promise<RolesByDid> {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(this.file);
      const stamp = [mtimeMs, ctimeMs, size, ino].join(':');
      if (this.#known?.stamp === stamp && this.#known.settled) return this.#known.roles;
      const settled = Date.now() - Math.max(mtimeMs, ctimeMs) > settledAfterMs;
      this.#known = { stamp, settled, roles: parseRoles(await readFile(this.file, 'utf8')) };
      this.#reported = '';
      return this.#known.roles;
    } catch (error) {
      const fault = `ROLES_FILE ${this.file}: ${(error as Error).message}`;
      if (!this.#known) throw new Error(fault, { cause: error });
      if (this.#reported !== fault)
        this.log('error', 'roles file not readable, last content kept', { error });
      this.#reported = fault;
      return this.#known.roles;
    }
  }
}

/** @throws Error with a sentence that says what is wrong with the file */
export function parseRoles(text: string): RolesByDid {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('must be an object of lists: {"<did>": ["role", …], "*": ["role", …]}');
  }
  // A Map has no inherited members, so that a DID called `constructor` has no roles either.
  return new Map(
    Object.entries(value).map(([did, roles]) => {
      if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string' && role !== '')) {
        throw new Error(`the roles of ${did} must be a list of texts`);
      }
      return [did, roles as string[]];
    }),
  );
}
