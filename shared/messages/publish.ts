// Publishing: one stored message per recipient, each with its own outcome (contract §3).

import { BrokerError, invalidParameter } from '../broker-error';
import type { Attempt } from '../idempotency';
import type { RoleDirectory } from '../identity';
import { messageLife, type Retention, type RetentionPolicy } from '../retention';
import type { PayloadValidator, TopicCatalog } from '../topics';
import type { ClaimCheck, ClaimChecks } from './claim-check';
import type { Consignment, Delivery, RecipientOutcome } from './delivery';
import { filePayload, printShared } from './message-body';

/** Bytes in UTF-8 of a payload that lies in its message. */
export const maxPayloadBytes = 2 * 1024 * 1024;
/** Bytes in UTF-8 of a payload that lies in Blob, with a claim check in its message. */
export const maxClaimedPayloadBytes = 8 * 1024 * 1024;
/** Bytes of such a payload once it is escaped: an answer holds one at least, whatever its own limit. */
const maxClaimBytes = 16 * 1024 * 1024;
/** Below it a payload goes to everybody by itself: reading it from Blob would cost more than storing it often. */
const minFanOutPayloadBytes = 64 * 1024;
/** Recipients of one message, or of one batch in all: those that are named, and those that hold a role. */
export const maxRecipients = 10_000;
/** Room for the recipient's name in a body, escaped. */
const recipientRoomBytes = 2_048;

export interface PublishRequest {
  readonly senderDid: string;
  readonly senderRoles: readonly string[];
  readonly recipients: readonly string[];
  /** Roles of which one is enough to be a recipient, the sender itself too. */
  readonly recipientRoles: readonly string[];
  readonly anonymousRecipients: readonly string[];
  readonly topicId: string;
  readonly topicVersion: string;
  /** Absent: the message is the file's. */
  readonly payload?: string | undefined;
  /** A completed file of the sender's own, which the recipients may read from then on. */
  readonly fileId?: string | undefined;
  readonly payloadEncryption: boolean;
  readonly signature: string;
  readonly clientGatewayMessageId: string;
  readonly transactionId?: string | undefined;
  readonly initiatingMessageId?: string | undefined;
  readonly initiatingTransactionId?: string | undefined;
  readonly topicRestrictions?: string | undefined;
  /** Life of the messages; absent: that of the topic's class. Unit: s. */
  readonly ttlSeconds?: number | undefined;
  /** Where it may be repeated. */
  readonly attempt?: Attempt | undefined;
}

/** A message that has passed every check, and is sent when it is its turn. */
export interface PreparedMessage {
  readonly topicId: string;
  /** DIDs and anonymous keys. */
  readonly recipients: readonly string[];
  /** As Publisher.publish(). */
  readonly send: () => Promise<readonly RecipientOutcome[]>;
}

/** Port: files that messages refer to. */
export interface SharedFiles {
  /**
   * Makes messages to come, with this life, refer to a file.
   * @throws BrokerError `forbidden` for everything that is not a completed file of the sender's own
   */
  share(senderDid: string, fileId: string, recipients: readonly string[], lifeMs: number): Promise<void>;
}

export interface PublisherDependencies {
  readonly catalog: Pick<TopicCatalog, 'requireVersion'>;
  readonly validator: Pick<PayloadValidator, 'validatePayload'>;
  readonly delivery: Delivery;
  readonly roles: RoleDirectory;
  /** Bytes of a message body that the store takes at most. */
  readonly maxBodyBytes: number;
  readonly retention: RetentionPolicy;
  readonly files: SharedFiles;
  readonly claimChecks: Pick<ClaimChecks, 'deposit' | 'forfeit'>;
  /** From this product of recipients and bytes on a payload is stored once. */
  readonly fanOutBytes: number;
}

export class Publisher {
  constructor(private readonly dependencies: PublisherDependencies) {}

  /**
   * One outcome for each recipient, in the order in which they were named first.
   * @throws BrokerError `topic-not-found`, `schema-violation`, `payload-too-large`, `invalid-parameters`, `forbidden`,
   *   `blob-store-unavailable`; `message-store-unavailable` and
   *   `message-store-full` only when nothing was stored
   */
  async publish(request: PublishRequest): Promise<readonly RecipientOutcome[]> {
    return (await this.prepare(request)).send();
  }

  /** Checks a message and stores what its messages will refer to. @throws BrokerError as publish() */
  async prepare(request: PublishRequest): Promise<PreparedMessage> {
    const { catalog, validator, delivery, maxBodyBytes } = this.dependencies;
    const { fileId, senderDid, anonymousRecipients } = request;
    if (fileId !== undefined && anonymousRecipients.length) {
      throw invalidParameter('anonymousRecipient', 'must not be sent together with fileId');
    }
    const isFile = request.payload === undefined && fileId !== undefined;
    const payload = isFile ? filePayload(fileId) : request.payload;
    if (payload === undefined) throw invalidParameter('payload', 'is required');
    const payloadBytes = Buffer.byteLength(payload);
    requirePayload(payloadBytes);
    const { topic, schema } = await catalog.requireVersion(request.topicId, request.topicVersion);
    // A file was validated when it was completed.
    if (!request.payloadEncryption && !isFile) await validator.validatePayload(schema, payload);
    const retention = this.dependencies.retention.of(topic.retentionClass, request.ttlSeconds);
    const { recipients } = await this.withHolders(request);
    // An empty transaction id is none.
    const transactionId = request.transactionId === '' ? undefined : request.transactionId;
    const fields = { ...request, payload, transactionId, isFile };
    // Before anything is stored: no message ever refers to a file that is not there for its recipient.
    if (fileId !== undefined) {
      await this.dependencies.files.share(senderDid, fileId, recipients, lifeMsOf(retention));
    }
    const prepared = { topicId: request.topicId, recipients: [...recipients, ...anonymousRecipients] };
    const consignment = { ...request, recipients, transactionId, retention };
    if (payloadBytes > maxPayloadBytes || this.#isWideFanOut(prepared.recipients, payloadBytes)) {
      const shared = printShared({ ...fields, payload: undefined });
      const claim = await this.#deposit(payload, retention);
      return { ...prepared, send: () => this.#deliverClaim({ ...consignment, shared, claim }) };
    }
    const shared = printShared(fields);
    if (shared.byteLength + recipientRoomBytes > maxBodyBytes) throw tooLargeEscaped();
    return { ...prepared, send: () => delivery.deliver({ ...consignment, shared }) };
  }

  /**
   * The same message to recipients alone: those that are named and those that hold one of its roles now, each once.
   * @throws BrokerError `invalid-parameters` when they are too many, `message-store-unavailable`
   */
  async withHolders(request: PublishRequest): Promise<PublishRequest> {
    const { recipients, recipientRoles } = request;
    if (!recipientRoles.length) return request;
    const holders = await this.dependencies.roles.holdersOf(recipientRoles);
    const all = [...new Set([...recipients, ...holders])];
    if (all.length <= maxRecipients) return { ...request, recipients: all, recipientRoles: [] };
    throw invalidParameter('recipientRoles', `a message may have at most ${maxRecipients} recipients`);
  }

  #isWideFanOut(recipients: readonly string[], payloadBytes: number): boolean {
    if (payloadBytes < minFanOutPayloadBytes) return false;
    const count = new Set(recipients).size;
    return count > 1 && count * payloadBytes > this.dependencies.fanOutBytes;
  }

  /** Stores a payload once, for messages that refer to it. */
  #deposit(payload: string, retention: Retention): Promise<ClaimCheck> {
    const text = Buffer.from(JSON.stringify(payload));
    if (text.byteLength > maxClaimBytes) throw tooLargeEscaped();
    return this.dependencies.claimChecks.deposit(text, lifeMsOf(retention));
  }

  async #deliverClaim(
    consignment: Consignment & { readonly claim: ClaimCheck },
  ): Promise<readonly RecipientOutcome[]> {
    const { claimChecks, delivery } = this.dependencies;
    const outcomes = await delivery.deliver(consignment);
    const isReferred = outcomes.some(
      (outcome) => 'messageId' in outcome || outcome.code === 'MB::NATS_SERVER',
    );
    if (!isReferred) await claimChecks.forfeit(consignment.claim);
    return outcomes;
  }
}

/** @throws BrokerError `payload-too-large` */
function requirePayload(payloadBytes: number): void {
  if (payloadBytes > maxClaimedPayloadBytes) {
    throw new BrokerError(
      'payload-too-large',
      `A payload may have at most ${maxClaimedPayloadBytes} bytes in UTF-8; POST /files takes larger content.`,
    );
  }
}

function tooLargeEscaped(): BrokerError {
  return new BrokerError(
    'payload-too-large',
    'The payload does not fit the store once it is escaped as JSON; POST /files takes larger content.',
  );
}

function lifeMsOf({ retentionClass, lifeMs }: Retention): number {
  return messageLife(0, retentionClass, lifeMs).endsAtMs;
}
