// The scheduler's role sync: who holds the roles that the gateway's channels name, and whether the participants that
// they list are there at all.

import { listIn, mustHold } from './gateway-failure';
import type { Session } from './session';

export class RoleSync {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** @returns the DIDs of those who hold any of the roles */
  async holdersOf(roles: readonly string[]): Promise<readonly string[]> {
    const answer = await this.#get('/roles/list', { roles, searchType: 'ANY' });
    return listIn((answer as { dids?: unknown }).dids, 'dids') as readonly string[];
  }

  async isRegistered(did: string): Promise<boolean> {
    const answer = (await this.#get('/roles/check', { did })) as { did?: unknown; registered?: unknown };
    mustHold(answer.did === did && typeof answer.registered === 'boolean', 'a role check', answer);
    return answer.registered;
  }

  async #get(path: string, query: Readonly<Record<string, string | readonly string[]>>) {
    return (await this.#session.call({ method: 'GET', path, query, isBackground: true })).json();
  }
}
