// Publishing: one stored message per recipient, each with its own outcome (contract §3).

import { BrokerError } from '../broker-error';
import type { RetentionPolicy } from '../retention';
import type { PayloadValidator, TopicCatalog } from '../topics';
import type { Delivery, RecipientOutcome } from './delivery';
import { printShared } from './message-body';

/** Bytes of a payload in UTF-8. */
export const maxPayloadBytes = 2 * 1024 * 1024;
/** Room for the recipient's name in a body, escaped. */
const recipientRoomBytes = 2_048;

export interface PublishRequest {
  readonly senderDid: string;
  readonly senderRoles: readonly string[];
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
  /** Life of the messages; absent: that of the topic's class. Unit: s. */
  readonly ttlSeconds?: number | undefined;
}

export interface PublisherDependencies {
  readonly catalog: Pick<TopicCatalog, 'requireVersion'>;
  readonly validator: Pick<PayloadValidator, 'validatePayload'>;
  readonly delivery: Delivery;
  /** Bytes of a message body that the store takes at most. */
  readonly maxBodyBytes: number;
  readonly retention: RetentionPolicy;
}

export class Publisher {
  constructor(private readonly dependencies: PublisherDependencies) {}

  /**
   * One outcome for each recipient, in the order in which they were named first.
   * @throws BrokerError `topic-not-found`, `schema-violation`, `payload-too-large`; `message-store-unavailable` and
   *   `message-store-full` only when nothing was stored
   */
  async publish(request: PublishRequest): Promise<readonly RecipientOutcome[]> {
    const { catalog, validator, delivery, maxBodyBytes } = this.dependencies;
    requirePayload(request.payload);
    const { schema } = await catalog.requireVersion(request.topicId, request.topicVersion);
    if (!request.payloadEncryption) await validator.validatePayload(schema, request.payload);
    const retention = this.dependencies.retention.of(undefined, request.ttlSeconds);
    // An empty transaction id is none.
    const transactionId = request.transactionId === '' ? undefined : request.transactionId;
    const shared = printShared({ ...request, transactionId, isFile: false });
    if (shared.byteLength + recipientRoomBytes > maxBodyBytes) {
      throw new BrokerError(
        'payload-too-large',
        'The payload does not fit the store once it is escaped as JSON.',
      );
    }
    return delivery.deliver({
      ...request,
      transactionId,
      retention,
      shared,
    });
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
