// Leases by their tokens: acknowledge, release, reject and renew, each token with an outcome of its own.

import { BrokerError } from '../broker-error';
import type { Log } from '../log';
import { mapInPortions } from '../map-in-portions';
import { type LeaseAction, type LeaseFailure, type LeaseName, settle } from './cursor';
import type { LeaseTokens, TokenContext } from './lease-tokens';
import { type Mailbox, mailboxToken } from './mailbox';
import type { CursorName, CursorStore, MessageLog } from './message-log';
import type { SettledMessage, TellSettled } from './read-receipts';

/**
 * A token that this broker did not make for this client id, or why the lease could not be settled. `unavailable`: its
 * cursor could not be changed now, or whether it was is not known.
 */
export type TokenFailure = 'invalid-token' | LeaseFailure | 'unavailable';

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

interface KnownToken {
  readonly leaseToken: string;
  readonly lease: LeaseName;
}

export class Leases {
  constructor(private readonly dependencies: LeasesDependencies) {}

  /**
   * Settles the leases that tokens name, those of each `from` by themselves. Repeats count once.
   * @throws BrokerError `cursor-contended`, `message-store-unavailable`; only when none succeeded
   */
  async settle(
    mailbox: Mailbox,
    clientId: string,
    action: LeaseAction,
    leaseTokens: readonly string[],
  ): Promise<TokenOutcomes> {
    const { messageLog, tokens } = this.dependencies;
    const generation = await messageLog.generation(mailbox);
    const context: TokenContext = { mailbox: mailboxToken(mailbox), generation, clientId };
    const failed: { leaseToken: string; code: TokenFailure }[] = [];
    const known: (KnownToken & { readonly from: string })[] = [];
    const verified = await mapInPortions([...new Set(leaseTokens)], (leaseToken) => ({
      leaseToken,
      content: tokens.verify(leaseToken, context),
    }));
    for (const { leaseToken, content } of verified) {
      if (!content) failed.push({ leaseToken, code: 'invalid-token' });
      else known.push({ leaseToken, from: content.from, lease: content });
    }
    const succeeded: string[] = [];
    const failures: BrokerError[] = [];
    await Promise.all(
      [...Map.groupBy(known, ({ from }) => from)].map(async ([from, members]) => {
        try {
          const outcomes = await this.#settleGroup({ mailbox, clientId, from }, action, members);
          succeeded.push(...outcomes.succeeded);
          failed.push(...outcomes.failed);
        } catch (error) {
          if (!(error instanceof BrokerError)) throw error;
          failures.push(error);
          failed.push(...members.map(({ leaseToken }) => ({ leaseToken, code: 'unavailable' as const })));
        }
      }),
    );
    const [failure] = failures;
    if (failure && !succeeded.length) throw failure;
    return { succeeded, failed };
  }

  /** Those of one cursor: settled by one change of its record, and told at once, whatever becomes of the others. */
  async #settleGroup(
    name: CursorName,
    action: LeaseAction,
    members: readonly KnownToken[],
  ): Promise<TokenOutcomes> {
    const leases = members.map(({ lease }) => lease);
    const outcome = await this.dependencies.cursors.update(name, (cursor, nowMs) =>
      settle(cursor, action, leases, nowMs),
    );
    await this.#tell(name, action, [...outcome.settled.values()]);
    return {
      succeeded: members.flatMap(({ leaseToken, lease }) => (outcome.settled.has(lease) ? leaseToken : [])),
      failed: members.flatMap(({ leaseToken, lease }) => {
        const code = outcome.failed.get(lease);
        return code ? { leaseToken, code } : [];
      }),
    };
  }

  async #tell(
    { mailbox, clientId }: CursorName,
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
