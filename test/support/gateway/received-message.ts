// What a search answers, held to the shape that gateways read.

import { listIn, mustHold } from './gateway-failure';
import type { Answer } from './wire';

export interface ReceivedMessage {
  readonly messageId: string;
  readonly topicId: string;
  readonly topicVersion: string;
  readonly transactionId?: string;
  readonly signature: string;
  readonly payload: string;
  readonly senderDid: string;
  readonly fqcn: string;
  readonly payloadEncryption: boolean;
  readonly timestampNanos: number;
  readonly isFile: boolean;
  readonly clientGatewayMessageId: string;
  readonly initiatingMessageId?: string;
  readonly initiatingTransactionId?: string;
}

const texts = [
  'messageId',
  'topicId',
  'topicVersion',
  'signature',
  'payload',
  'senderDid',
  'fqcn',
  'clientGatewayMessageId',
] as const;

/** @throws GatewayFailure `misread` for another shape or order */
export function readMessages(answer: Answer): readonly ReceivedMessage[] {
  const messages = listIn(answer.json(), 'messages') as readonly ReceivedMessage[];
  for (const message of messages) {
    for (const name of texts) {
      mustHold(typeof message[name] === 'string', `a message without ${name}`, message);
    }
    mustHold(/^[0-9a-f]{24}$/.test(message.messageId), 'a message id of another form', message);
    mustHold(typeof message.payloadEncryption === 'boolean', 'payloadEncryption', message);
    mustHold(typeof message.isFile === 'boolean', 'isFile', message);
    // Milliseconds times 10⁶.
    mustHold(Math.abs(message.timestampNanos / 1e6 - Date.now()) < 90 * 86_400_000, 'timestamp', message);
  }
  const instants = messages.map(({ timestampNanos }) => timestampNanos);
  mustHold(
    instants.every((instant, index) => instant >= (instants[index - 1] ?? 0)),
    'a search that is not oldest first',
    instants,
  );
  return messages;
}
