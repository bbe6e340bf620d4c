// How a gateway sends: for an encrypted message the key first, to every recipient, then the signed message.

import { randomUUID } from 'node:crypto';
import { listIn, mustHold } from './gateway-failure';
import { createSymmetricKey, encryptText } from './payload-encryption';
import { signText } from './payload-signature';
import type { Session } from './session';
import type { SymmetricKeys } from './symmetric-keys';
import type { Wallet } from './wallet';
import type { Answer } from './wire';

export interface OutgoingMessage {
  readonly recipients: readonly string[];
  readonly topicId: string;
  readonly topicVersion: string;
  readonly payload: string;
  readonly isEncrypted?: boolean;
  readonly transactionId?: string;
  readonly initiatingMessageId?: string;
  readonly initiatingTransactionId?: string;
  /** Keys of anonymous mailboxes. */
  readonly anonymousRecipients?: readonly string[];
}

interface SentTo {
  readonly did: string;
  readonly messageId?: string;
  readonly statusCode: number;
  readonly err?: { readonly code: string; readonly reason: string };
}

export interface PublishAnswer {
  readonly clientGatewayMessageId: string;
  readonly did: string;
  readonly recipients: { readonly total: number; readonly sent: number; readonly failed: number };
  readonly status: readonly { readonly name: 'SENT' | 'FAILED'; readonly details: readonly SentTo[] }[];
}

export interface MessageSenderOptions {
  readonly session: Session;
  readonly wallet: Wallet;
  readonly keys: SymmetricKeys;
}

export class MessageSender {
  readonly #options: MessageSenderOptions;

  constructor(options: MessageSenderOptions) {
    this.#options = options;
  }

  async send(message: OutgoingMessage): Promise<PublishAnswer> {
    const { session, wallet, keys } = this.#options;
    const clientGatewayMessageId = randomUUID();
    let { payload } = message;
    if (message.isEncrypted) {
      const key = createSymmetricKey();
      for (const did of message.recipients) await keys.give(did, clientGatewayMessageId, key);
      payload = encryptText(key, payload);
    }
    const answer = await session.call({
      method: 'POST',
      path: '/messages',
      body: {
        fqcns: message.recipients,
        transactionId: message.transactionId,
        payload,
        topicId: message.topicId,
        topicVersion: message.topicVersion,
        signature: signText(wallet.secretKey, payload),
        clientGatewayMessageId,
        payloadEncryption: message.isEncrypted ?? false,
        anonymousRecipient: message.anonymousRecipients ?? [],
        initiatingMessageId: message.initiatingMessageId,
        initiatingTransactionId: message.initiatingTransactionId ?? null,
      },
    });
    return readPublishAnswer(answer, clientGatewayMessageId, wallet.did);
  }
}

/** @throws GatewayFailure `misread` when counts, lists and ids do not fit together */
export function readPublishAnswer(
  answer: Answer,
  clientGatewayMessageId: string,
  did: string,
): PublishAnswer {
  const body = answer.json() as PublishAnswer;
  mustHold(body.clientGatewayMessageId === clientGatewayMessageId, 'an answer for another message', body);
  mustHold(body.did === did, 'an answer for another sender', body);
  const counts = { SENT: 0, FAILED: 0 };
  for (const { name, details } of listIn(body.status, 'statuses') as PublishAnswer['status']) {
    mustHold(details.length > 0, 'a status without details', body);
    counts[name] += details.length;
  }
  const { total, sent, failed } = body.recipients;
  mustHold(sent === counts.SENT && failed === counts.FAILED && total === sent + failed, 'counts', body);
  return body;
}
