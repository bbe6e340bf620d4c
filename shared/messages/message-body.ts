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
const afterPayload = Buffer.from('}');

/** Messages as a search returns them, a JSON array: each stored body behind its id and its time. */
export function printMessages(messages: readonly FoundMessage[]): Buffer {
  const parts = messages.flatMap(({ messageId, timeMs, body, payload }, index) => [
    // ms × 10^6 is beyond what a double holds exactly, so the zeros are written.
    Buffer.from(`${index ? ',' : ''}{"messageId":"${messageId}","timestampNanos":${timeMs}000000,`),
    ...(payload ? [body.subarray(1, -1), beforePayload, payload, afterPayload] : [body.subarray(1)]),
  ]);
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]);
}

/** Bytes of an answer around each stored body, at most. */
export const envelopeBytes = 80;
