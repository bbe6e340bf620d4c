// Delivery: one stored message per recipient, each with its own outcome. Everything that sends (messages, files)
// goes through it, so that who may receive is decided in one place.

import { BrokerError } from '../broker-error';
import type { Attempt } from '../idempotency';
import { isDid, type ParticipantDirectory } from '../identity';
import type { Log } from '../log';
import { mapConcurrently } from '../map-concurrently';
import type { Retention } from '../retention';
import type { Admission } from './admission';
import type { AnonymousMailboxes } from './anonymous-mailboxes';
import type { ClaimCheck } from './claim-check';
import { findAttempt } from './find-message';
import { didMailbox, type Mailbox, mailboxToken } from './mailbox';
import { bodyFor } from './message-body';
import type { MessageIds } from './message-id';
import type { MessageLog } from './message-log';

/** Recipients whose messages are on their way to the store at once. */
const concurrentRecipients = 64;

export interface Consignment {
  readonly senderDid: string;
  /** Roles in the sender's token, by which a recipient's channels may admit it. */
  readonly senderRoles: readonly string[];
  /** DIDs; repeats count once. */
  readonly recipients: readonly string[];
  /** Anonymous keys; repeats count once. */
  readonly anonymousRecipients: readonly string[];
  readonly topicId: string;
  readonly retention: Retention;
  /** Absent: nothing is a duplicate. */
  readonly transactionId?: string | undefined;
  /** Where it may be repeated: whoever has its message already is sent none, and its outcome is that message. */
  readonly attempt?: Attempt | undefined;
  /** What the messages of all recipients share, see printShared(). */
  readonly shared: Buffer;
  /** Where the payload lies that the shared part has not. */
  readonly claim?: ClaimCheck | undefined;
}

export type FailureCode =
  'MB::INVALID_FQCN' | 'MB::INVALID_ANONYMOUSKEY' | 'MB::CHANNEL_RESTRICTED' | 'MB::NATS_SERVER';

export type RecipientOutcome =
  | { readonly recipient: string; readonly messageId: string }
  | {
      readonly recipient: string;
      readonly code: FailureCode;
      readonly reason: string;
      /** Another try may bring it; the outcome of this one may be unknown. */
      readonly isTransient?: true;
    };

export interface DeliveryDependencies {
  readonly participants: Pick<ParticipantDirectory, 'exists'>;
  readonly admission: Admission;
  readonly anonymousMailboxes: Pick<AnonymousMailboxes, 'find'>;
  readonly messageLog: MessageLog;
  readonly messageIds: MessageIds;
  readonly log: Log;
}

export class Delivery {
  constructor(private readonly dependencies: DeliveryDependencies) {}

  /**
   * One outcome for each recipient, in the order in which they were named first.
   * @throws BrokerError `message-store-unavailable` and `message-store-full`, only when nothing was stored
   */
  async deliver(consignment: Consignment): Promise<readonly RecipientOutcome[]> {
    const failures: unknown[] = [];
    // Whoever waited for the store in vain has waited for all: the next ones would each wait as long again.
    let isStoreAway = false;
    const targets = [
      ...[...new Set(consignment.recipients)].map((recipient) => ({ recipient, isKey: false })),
      ...[...new Set(consignment.anonymousRecipients)].map((recipient) => ({ recipient, isKey: true })),
    ];
    const outcomes = await mapConcurrently(targets, concurrentRecipients, async ({ recipient, isKey }) => {
      try {
        if (!isStoreAway) return await this.#deliverTo(recipient, isKey, consignment);
      } catch (error) {
        failures.push(error);
        isStoreAway ||= error instanceof BrokerError && error.code === 'message-store-unavailable';
      }
      return {
        recipient,
        code: 'MB::NATS_SERVER',
        reason: 'The message store did not confirm.',
        isTransient: true,
      } as const;
    });
    if (failures.length) {
      const nothingStored = outcomes.every((outcome) => !('messageId' in outcome));
      if (nothingStored) throw failures[0];
      this.dependencies.log('warn', 'recipients failed', { count: failures.length, error: failures[0] });
    }
    return outcomes;
  }

  async #deliverTo(recipient: string, isKey: boolean, consignment: Consignment): Promise<RecipientOutcome> {
    // What was sent stays sent, whatever the recipient's channels have become since.
    const earlier = consignment.attempt?.isRepeated
      ? await this.#findEarlier(recipient, isKey, consignment, consignment.attempt)
      : undefined;
    if (earlier) return earlier;
    return isKey ? this.#deliverToKey(recipient, consignment) : this.#deliverToDid(recipient, consignment);
  }

  async #findEarlier(
    recipient: string,
    isKey: boolean,
    consignment: Consignment,
    attempt: Attempt,
  ): Promise<RecipientOutcome | undefined> {
    const { messageLog, anonymousMailboxes } = this.dependencies;
    const mailbox: Mailbox | undefined = isKey
      ? await anonymousMailboxes.find(recipient)
      : didMailbox(recipient);
    if (!mailbox) return undefined;
    const found = await findAttempt(messageLog, mailbox, consignment, attempt);
    return found && this.#sent(mailbox, recipient, found.seq, found.keyNumber);
  }

  /** Channels speak for a DID's mailbox alone: an anonymous one is closed by removing its key. */
  async #deliverToKey(recipient: string, consignment: Consignment): Promise<RecipientOutcome> {
    const mailbox = await this.dependencies.anonymousMailboxes.find(recipient);
    if (mailbox) return this.#append(mailbox, recipient, consignment);
    return { recipient, code: 'MB::INVALID_ANONYMOUSKEY', reason: 'anonymousKey not exists' };
  }

  async #deliverToDid(recipient: string, consignment: Consignment): Promise<RecipientOutcome> {
    const { participants, admission } = this.dependencies;
    if (!isDid(recipient) || !(await participants.exists(recipient))) {
      return { recipient, code: 'MB::INVALID_FQCN', reason: `fqcn:${recipient} not exists` };
    }
    const sender = { did: consignment.senderDid, roles: consignment.senderRoles };
    if (!(await admission.admits(recipient, sender, consignment.topicId))) {
      return {
        recipient,
        code: 'MB::CHANNEL_RESTRICTED',
        reason: 'The recipient’s channels do not admit this sender on this topic.',
      };
    }
    return this.#append(didMailbox(recipient), recipient, consignment);
  }

  async #append(mailbox: Mailbox, recipient: string, consignment: Consignment): Promise<RecipientOutcome> {
    const keyNumber = this.dependencies.messageIds.currentKey;
    const appended = await this.dependencies.messageLog.append({
      mailbox,
      topicId: consignment.topicId,
      senderDid: consignment.senderDid,
      ...consignment.retention,
      keyNumber,
      recipient,
      transactionId: consignment.transactionId,
      attempt: consignment.attempt?.id,
      body: bodyFor(recipient, consignment.shared),
      claim: consignment.claim,
    });
    if (appended.outcome === 'duplicate') {
      return { recipient, code: 'MB::NATS_SERVER', reason: 'Duplicate transaction id.' };
    }
    return this.#sent(mailbox, recipient, appended.seq, keyNumber);
  }

  async #sent(
    mailbox: Mailbox,
    recipient: string,
    seq: number,
    keyNumber: number,
  ): Promise<RecipientOutcome> {
    const generation = await this.dependencies.messageLog.generation(mailbox);
    const context = { mailbox: mailboxToken(mailbox), generation };
    return { recipient, messageId: this.dependencies.messageIds.seal(seq, context, keyNumber) };
  }
}
