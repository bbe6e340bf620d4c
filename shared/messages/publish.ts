// Publishing: one stored message per recipient, each with its own outcome (contract §3).

import { BrokerError } from '../broker-error';
import { isDid, type ParticipantDirectory } from '../identity';
import type { Log } from '../log';
import type { PayloadValidator, TopicCatalog } from '../topics';
import type { Mailbox } from './mailbox';
import { mailboxToken } from './mailbox';
import { bodyFor, printShared } from './message-body';
import type { MessageIds } from './message-id';
import type { MessageLog } from './message-log';

/** Bytes of a payload in UTF-8. */
export const maxPayloadBytes = 2 * 1024 * 1024;
/** Recipients whose messages are on their way to the store at once. */
const concurrentRecipients = 64;

export interface PublishRequest {
  readonly senderDid: string;
  readonly recipients: readonly string[];
  readonly anonymousRecipients: readonly string[];
  readonly topicId: string;
  readonly topicVersion: string;
  readonly payload: string;
  readonly payloadEncryption: boolean;
  readonly signature: string;
  readonly clientGatewayMessageId: string;
  readonly transactionId?: string | undefined;
  readonly initiatingMessageId?: string | undefined;
  readonly initiatingTransactionId?: string | undefined;
  readonly topicRestrictions?: string | undefined;
}

export type FailureCode = 'MB::INVALID_FQCN' | 'MB::INVALID_ANONYMOUSKEY' | 'MB::NATS_SERVER';

export type RecipientOutcome =
  | { readonly recipient: string; readonly messageId: string }
  | { readonly recipient: string; readonly code: FailureCode; readonly reason: string };

export interface PublisherDependencies {
  readonly catalog: Pick<TopicCatalog, 'requireVersion'>;
  readonly validator: Pick<PayloadValidator, 'validatePayload'>;
  readonly participants: Pick<ParticipantDirectory, 'exists'>;
  readonly messageLog: MessageLog;
  readonly messageIds: MessageIds;
  /** Name of the class of messages whose topic names none. */
  readonly defaultRetentionClass: string;
  readonly log: Log;
}

export class Publisher {
  constructor(private readonly dependencies: PublisherDependencies) {}

  /**
   * One outcome for each recipient, in the order in which they were named first.
   * @throws BrokerError `topic-not-found`, `schema-violation`, `payload-too-large`; `message-store-unavailable` and
   *   `message-store-full` only when nothing was stored
   */
  async publish(request: PublishRequest): Promise<readonly RecipientOutcome[]> {
    const { catalog, validator } = this.dependencies;
    requirePayload(request.payload);
    const { schema } = await catalog.requireVersion(request.topicId, request.topicVersion);
    if (!request.payloadEncryption) await validator.validatePayload(schema, request.payload);
    const { recipients, anonymousRecipients, transactionId } = request;
    // An empty transaction id is none.
    const shared = printShared({ ...request, isFile: false, transactionId: transactionId || undefined });
    if (shared.byteLength + 1_024 > this.dependencies.messageLog.maxBodyBytes) {
      throw new BrokerError(
        'payload-too-large',
        'The payload does not fit the store once it is escaped as JSON.',
      );
    }
    const failures: unknown[] = [];
    // Whoever waited for the store in vain has waited for all: the next ones would each wait as long again.
    let isStoreAway = false;
    const outcomes = await mapConcurrently(
      [...new Set(recipients)],
      concurrentRecipients,
      async (recipient) => {
        try {
          if (!isStoreAway) return await this.#deliver(request, recipient, shared);
        } catch (error) {
          failures.push(error);
          isStoreAway ||= error instanceof BrokerError && error.code === 'message-store-unavailable';
        }
        return { recipient, code: 'MB::NATS_SERVER', reason: 'The message store did not confirm.' } as const;
      },
    );
    const nothingStored = outcomes.every((outcome) => !('messageId' in outcome));
    if (failures.length && nothingStored) throw failures[0];
    if (failures.length)
      this.dependencies.log('warn', 'recipients failed', { count: failures.length, error: failures[0] });
    return [
      ...outcomes,
      ...[...new Set(anonymousRecipients)].map((recipient) => ({
        recipient,
        code: 'MB::INVALID_ANONYMOUSKEY' as const,
        reason: 'anonymousKey not exists',
      })),
    ];
  }

  async #deliver(request: PublishRequest, recipient: string, shared: Buffer): Promise<RecipientOutcome> {
    const { participants, messageLog, messageIds, defaultRetentionClass } = this.dependencies;
    if (!isDid(recipient) || !(await participants.exists(recipient))) {
      return { recipient, code: 'MB::INVALID_FQCN', reason: `fqcn:${recipient} not exists` };
    }
    const mailbox: Mailbox = { kind: 'did', identifier: recipient };
    const keyNumber = messageIds.currentKey;
    const appended = await messageLog.append({
      mailbox,
      topicId: request.topicId,
      senderDid: request.senderDid,
      retentionClass: defaultRetentionClass,
      keyNumber,
      transactionId: request.transactionId === '' ? undefined : request.transactionId,
      body: bodyFor(recipient, shared),
    });
    if (appended.outcome === 'duplicate') {
      return { recipient, code: 'MB::NATS_SERVER', reason: 'Duplicate transaction id.' };
    }
    const generation = await messageLog.generation(mailbox);
    return {
      recipient,
      messageId: messageIds.seal(appended.seq, { mailbox: mailboxToken(mailbox), generation }, keyNumber),
    };
  }
}

/** @throws BrokerError `payload-too-large`, `invalid-parameters` */
function requirePayload(payload: string): void {
  if (Buffer.byteLength(payload) > maxPayloadBytes) {
    throw new BrokerError(
      'payload-too-large',
      `A payload may have at most ${maxPayloadBytes} bytes in UTF-8.`,
    );
  }
}

/** Array.map for asynchronous work, with at most `width` calls at once; results stand in the order of the items. */
async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const indexed = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of indexed) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
