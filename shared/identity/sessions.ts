// Opens and refreshes sessions: the decisions of refresh-token.ts carried out by compare-and-set, so that any
// instance accepts what another one issued.

import { BrokerError } from '../broker-error';
import type { Clock } from '../clock';
import type { Log } from '../log';
import { decideRefresh, newNonce, openSession, parseRefreshToken, type RefreshPolicy } from './refresh-token';
import type { SessionStore } from './session-store';

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly policy: RefreshPolicy;
  readonly clock: Clock;
  readonly log: Log;
}

// A stampede settles with the second read: whoever lost finds the winner's rotation and repeats its answer.
const maxTries = 8;

export class Sessions {
  constructor(private readonly options: SessionsOptions) {}

  /** Starts a session and returns its first refresh token. */
  async open(did: string): Promise<string> {
    const { store, policy, clock } = this.options;
    const { session, record, refreshToken } = openSession(did, policy, clock());
    await store.create(session, record);
    return refreshToken;
  }

  /**
   * Exchanges a refresh token for the next one.
   * @param prepare does what else the answer needs; it runs once the token is known to be good and before it is
   *   used up, so that a failure there leaves the participant with a token that still works
   * @throws BrokerError `unauthenticated` when the token is unknown, expired, altered or used up
   */
  async refresh<T>(
    presented: string,
    prepare: (did: string) => Promise<T>,
  ): Promise<{ readonly refreshToken: string; readonly prepared: T }> {
    const { store, policy, clock, log } = this.options;
    const token = parseRefreshToken(presented);
    if (!token) throw refused();
    const nonce = newNonce();
    let prepared: { readonly value: T } | undefined;
    for (let attempt = 1; attempt <= maxTries; attempt++) {
      const stored = await store.read(token.session);
      if (!stored) throw refused();
      const decision = decideRefresh(stored.record, token, policy, clock(), nonce);
      switch (decision.kind) {
        case 'refuse':
          throw refused();
        case 'revoke':
          await store.remove(token.session);
          log('warn', 'session revoked after reuse of a refresh token', { did: stored.record.did });
          throw refused();
        case 'repeat':
        case 'rotate': {
          prepared ??= { value: await prepare(stored.record.did) };
          const { refreshToken } = decision;
          if (
            decision.kind === 'repeat' ||
            (await store.replace(token.session, decision.record, stored.revision)) === 'replaced'
          ) {
            return { refreshToken, prepared: prepared.value };
          }
        }
      }
    }
    throw new BrokerError('message-store-unavailable', 'The session could not be refreshed; try again.');
  }
}

const refused = () => new BrokerError('unauthenticated', 'The refresh token is not valid; log in again.');
