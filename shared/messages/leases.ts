// Leases by their tokens: acknowledge, release, reject and renew, each token with an outcome of its own.

import type { Log } from '../log';
import { type LeaseAction, type LeaseFailure, type LeaseName, settle } from './cursor';
import type { LeaseTokens, TokenContext } from './lease-tokens';
import { type Mailbox, mailboxToken } from './mailbox';
import type { CursorStore, MessageLog } from './message-log';
import type { SettledMessage, TellSettled } from './read-receipts';

/** A token that this broker did not make for this client id, or why the lease could not be settled. */
export type TokenFailure = 'invalid-token' | LeaseFailure;

export interface TokenOutcomes {
  /** Tokens. */
  readonly succeeded: readonly string[];
  readonly failed: readonly { readonly leaseToken: string; readonly code: TokenFailure }[];
}

export interface LeasesDependencies {
  readonly cursors: CursorStore;
  readonly messageLog: Pick<MessageLog, 'generation'>;
  readonly tokens: LeaseTokens;
  /** Told of messages that have just been acknowledged or rejected. */
  readonly settled: TellSettled;
  readonly log: Log;
}

export class Leases {
  constructor(private readonly dependencies: LeasesDependencies) {}

  /**
   * Settles the leases that tokens name. A token that fails changes nothing; repeats count once.
   * @throws BrokerError `cursor-contended`, `message-store-unavailable`
   */
  async settle(
    mailbox: Mailbox,
    clientId: string,
    action: LeaseAction,
    leaseTokens: readonly string[],
  ): Promise<TokenOutcomes> {
    const { cursors, messageLog, tokens } = this.dependencies;
    const generation = await messageLog.generation(mailbox);
    const context: TokenContext = { mailbox: mailboxToken(mailbox), generation, clientId };
    const failed: { leaseToken: string; code: TokenFailure }[] = [];
    const known: { leaseToken: string; from: string; lease: LeaseName }[] = [];
    for (const leaseToken of new Set(leaseTokens)) {
      const content = tokens.verify(leaseToken, context);
      if (!content) failed.push({ leaseToken, code: 'invalid-token' });
      else known.push({ leaseToken, from: content.from, lease: content });
    }
    const succeeded: string[] = [];
    const messages: SettledMessage[] = [];
    await Promise.all(
      [...Map.groupBy(known, ({ from }) => from)].map(async ([from, members]) => {
        const leases = members.map(({ lease }) => lease);
        const outcome = await cursors.update({ mailbox, clientId, from }, (cursor, nowMs) =>
          settle(cursor, action, leases, nowMs),
        );
        for (const { leaseToken, lease } of members) {
          const done = outcome.settled.get(lease);
          if (!done) failed.push({ leaseToken, code: outcome.failed.get(lease) ?? 'message-settled' });
          else {
            succeeded.push(leaseToken);
            messages.push(done);
          }
        }
      }),
    );
    await this.#tell(mailbox, clientId, action, messages);
    return { succeeded, failed };
  }

  async #tell(
    mailbox: Mailbox,
    clientId: string,
    action: LeaseAction,
    messages: readonly SettledMessage[],
  ): Promise<void> {
    const { settled, log } = this.dependencies;
    if (!messages.length) return;
    if (action.kind === 'acknowledge') await settled(mailbox, 'acknowledged', messages);
    if (action.kind !== 'reject') return;
    log('warn', 'messages dead-lettered', { clientId, count: messages.length, cause: 'rejected' });
    await settled(mailbox, 'rejected', messages, action.reason);
  }
}
