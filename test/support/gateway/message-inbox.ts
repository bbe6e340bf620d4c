// How a gateway's own users read: acknowledge what was handed out before, search, store what is handed out now, then
// decrypt and verify. The acknowledgement of a message comes with the next reading; with WebSockets it is due as soon
// as a socket has taken the message.

import type { DidDocuments } from './did-documents';
import { decryptText } from './payload-encryption';
import { isSignedBy } from './payload-signature';
import { type Cursor, PendingAcks } from './pending-acks';
import { type ReceivedMessage, readMessages } from './received-message';
import type { Session } from './session';
import type { SymmetricKeys } from './symmetric-keys';

export interface Reading {
  /** Name of the channel that is read. */
  readonly fqcn: string;
  /** What the caller of the gateway names itself; without it the client id begins with `undefined`. */
  readonly clientName?: string;
  /** Topics of the channel. */
  readonly channelTopics: readonly string[];
  /** Narrows to these. */
  readonly topics?: readonly string[];
  readonly senders?: readonly string[];
  readonly amount?: number;
  readonly from?: string;
  readonly anonymousRecipient?: string;
}

export interface ReadMessage extends ReceivedMessage {
  /** The payload in clear; of a file its `{"fileId"}`. */
  readonly text: string;
  readonly isSignatureValid: boolean;
}

export interface MessageInboxOptions {
  readonly session: Session;
  readonly documents: DidDocuments;
  readonly keys: SymmetricKeys;
}

export class MessageInbox {
  readonly acks: PendingAcks;
  readonly #options: MessageInboxOptions;

  constructor(options: MessageInboxOptions) {
    this.#options = options;
    this.acks = new PendingAcks(options.session);
  }

  /** What the gateway does for `GET /messages`. */
  async read(reading: Reading): Promise<readonly ReadMessage[]> {
    const cursor = cursorOf(reading, `${String(reading.clientName)}:${reading.fqcn}`);
    await this.acks.acknowledge(cursor);
    const found = await this.#search(cursor, reading);
    this.acks.store(
      cursor,
      found.map(({ messageId }) => messageId),
    );
    return this.#open(found);
  }

  /** Reads until nothing is left, which is when everything is acknowledged. */
  async readAll(reading: Reading): Promise<readonly ReadMessage[]> {
    const all: ReadMessage[] = [];
    for (;;) {
      const found = await this.read(reading);
      if (!found.length) return all;
      all.push(...found);
    }
  }

  /**
   * One turn of the WebSocket emitter: everything found goes to the socket, and what the socket took is acknowledged.
   * @param push returns whether the socket took it
   */
  async emit(reading: Reading, push: (message: ReadMessage) => boolean): Promise<void> {
    const cursor = cursorOf(reading, 'WS_CONSUMER');
    await this.acks.acknowledge(cursor);
    const taken = (await this.#open(await this.#search(cursor, reading))).filter(push);
    this.acks.store(
      cursor,
      taken.map(({ messageId }) => messageId),
    );
    await this.acks.acknowledge(cursor);
  }

  async #search(cursor: Cursor, reading: Reading): Promise<readonly ReceivedMessage[]> {
    const answer = await this.#options.session.call({
      method: 'POST',
      path: '/messages/search',
      body: {
        fqcnTopicList: reading.channelTopics,
        topicId: reading.topics,
        senderId: reading.senders ?? [],
        amount: reading.amount ?? 5,
        ...cursor,
      },
    });
    return readMessages(answer);
  }

  async #open(messages: readonly ReceivedMessage[]): Promise<readonly ReadMessage[]> {
    const { keys, documents } = this.#options;
    const opened: ReadMessage[] = [];
    for (const message of messages) {
      const { payload, signature, senderDid, clientGatewayMessageId } = message;
      const isHidden = message.payloadEncryption && !message.isFile;
      const text = isHidden
        ? decryptText(await keys.keyOf(senderDid, clientGatewayMessageId), payload)
        : payload;
      const { signingKey } = documents.resolve(senderDid);
      // The signature of a file is over the file, and is verified with it.
      const isSignatureValid = message.isFile || isSignedBy(signingKey, payload, signature);
      opened.push({ ...message, text, isSignatureValid });
    }
    return opened;
  }
}

function cursorOf(reading: Reading, clientId: string): Cursor {
  return {
    clientId,
    from: reading.from ?? null,
    ...(reading.anonymousRecipient === undefined ? {} : { anonymousRecipient: reading.anonymousRecipient }),
  };
}
