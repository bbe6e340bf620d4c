// The stored form of a message: the JSON object that a search returns, less what only the store knows. Answers
// are made by joining bytes, so a payload is escaped once and never parsed again.

export interface MessageFields {
  readonly topicId: string;
  readonly topicVersion: string;
  readonly transactionId?: string | undefined;
  readonly signature: string;
  /** Absent: it lies in Blob, see claim-check.ts. */
  readonly payload?: string | undefined;
  readonly senderDid: string;
  readonly payloadEncryption: boolean;
  readonly isFile: boolean;
  readonly clientGatewayMessageId: string;
  readonly initiatingMessageId?: string | undefined;
  readonly initiatingTransactionId?: string | undefined;
  readonly topicRestrictions?: string | undefined;
  /** The file that the message refers to; gateways take a file's id from the payload of its own message. */
  readonly fileId?: string | undefined;
}

/**
 * The part of a body that all recipients share: printed once, whatever their number. Members are named one by one:
 * one more that a sender had slipped in, `messageId` for instance, would replace the broker's own in the answer.
 */
export function printShared(fields: MessageFields): Buffer {
  const shared: MessageFields = {
    topicId: fields.topicId,
    topicVersion: fields.topicVersion,
    transactionId: fields.transactionId,
    signature: fields.signature,
    payload: fields.payload,
    senderDid: fields.senderDid,
    payloadEncryption: fields.payloadEncryption,
    isFile: fields.isFile,
    clientGatewayMessageId: fields.clientGatewayMessageId,
    initiatingMessageId: fields.initiatingMessageId,
    initiatingTransactionId: fields.initiatingTransactionId,
    topicRestrictions: fields.topicRestrictions,
    fileId: fields.fileId,
  };
  return Buffer.from(`,${JSON.stringify(shared).slice(1)}`);
}

/** What the message of a file says: the text that gateways look for. */
export function filePayload(fileId: string): string {
  return `{"fileId":"${fileId}"}`;
}

/** The body for one recipient (a DID or an anonymous key). */
export function bodyFor(recipient: string, shared: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"fqcn":${JSON.stringify(recipient)}`), shared]);
}

/** A message of an answer. */
export interface FoundMessage {
  readonly messageId: string;
  /** When it was stored. Unit: ms. */
  readonly timeMs: number;
  /** As it was stored. */
  readonly body: Uint8Array;
  /** Of a message with a claim check: its payload as JSON text. */
  readonly payload?: Uint8Array;
}

const beforePayload = Buffer.from(',"payload":');
const afterMembers = Buffer.from('}');
const comma = Buffer.from(',');

/** Messages as a search returns them, a JSON array. */
export function printMessages(messages: readonly FoundMessage[]): Buffer {
  return printArray(messages.map((message) => printMessage(message)));
}

/** A message that a receive returns, with its lease around it. */
export interface PrintedLease {
  readonly leaseToken: string;
  readonly deliveryCount: number;
  /** ISO-8601. */
  readonly leaseExpiresAt: string;
  readonly message: FoundMessage;
  /** In place of a payload that lies in Blob. */
  readonly payloadReference?: unknown;
}

/** Leased messages as a receive returns them, a JSON object. */
export function printLeases(leases: readonly PrintedLease[]): Buffer {
  const items = leases.map(({ message, payloadReference, ...lease }) => [
    Buffer.from(`${JSON.stringify(lease).slice(0, -1)},"message":`),
    ...printMessage(message, payloadReference),
    afterMembers,
  ]);
  return Buffer.concat([Buffer.from('{"messages":'), printArray(items), afterMembers]);
}

function printArray(items: readonly (readonly Uint8Array[])[]): Buffer {
  const parts = items.flatMap((item, index) => (index ? [comma, ...item] : item));
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]);
}

/** The stored body behind its id and its time. */
function printMessage(
  { messageId, timeMs, body, payload }: FoundMessage,
  payloadReference?: unknown,
): readonly Uint8Array[] {
  // ms × 10^6 is beyond what a double holds exactly, so the zeros are written.
  const head = Buffer.from(`{"messageId":"${messageId}","timestampNanos":${timeMs}000000,`);
  if (payload) return [head, body.subarray(1, -1), beforePayload, payload, afterMembers];
  if (payloadReference === undefined) return [head, body.subarray(1)];
  const reference = Buffer.from(`,"payloadReference":${JSON.stringify(payloadReference)}`);
  return [head, body.subarray(1, -1), reference, afterMembers];
}

/** Bytes of an answer around each stored body, at most. */
export const envelopeBytes = 80;
