// Keys under which a participant receives without being known to the sender, and their rotation: a new key is
// registered, the old ones go on receiving until their owner removes them.

import { listIn, mustHold } from './gateway-failure';
import type { Session } from './session';

export interface KeyStatus {
  readonly anonymousKey: string;
  readonly status: 'Success' | 'Fail';
  readonly message: string;
}

export class AnonymousKeys {
  readonly #session: Session;
  readonly #own: string[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** Registered and not removed, the oldest first. */
  get own(): readonly string[] {
    return this.#own;
  }

  async register(...keys: readonly string[]): Promise<readonly KeyStatus[]> {
    const answer = await this.#session.call({
      method: 'POST',
      path: '/channel/initExtChannel',
      body: { anonymousKeys: keys.map((anonymousKey) => ({ anonymousKey })) },
    });
    const status = listIn((answer.json() as { status?: unknown }).status, 'statuses') as readonly KeyStatus[];
    mustHold(status.length === keys.length, 'not one status for every key', status);
    for (const [index, one] of status.entries()) {
      mustHold(one.anonymousKey === keys[index] && typeof one.message === 'string', 'key status', status);
      if (one.status === 'Success' && !this.#own.includes(one.anonymousKey)) this.#own.push(one.anonymousKey);
    }
    return status;
  }

  async remove(key: string): Promise<void> {
    await this.#session.call({ method: 'DELETE', path: `/channel/stream/${encodeURIComponent(key)}` });
    this.#own.splice(this.#own.indexOf(key), 1);
  }
}
