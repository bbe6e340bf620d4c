// The keys of encrypted messages. A sender gives each recipient the message's key before it sends the message; a
// recipient fetches keys when it meets a message whose key it lacks, once: what is not there then is lost.

import type { DidDocuments } from './did-documents';
import { GatewayFailure, listIn, mustHold } from './gateway-failure';
import { unwrapKey, wrapKey } from './payload-encryption';
import type { Session } from './session';

interface KeyMessage {
  readonly clientGatewayMessageId: string;
  readonly senderDid: string;
  readonly payload: string;
}

export interface SymmetricKeysOptions {
  readonly session: Session;
  readonly documents: DidDocuments;
  /** PEM of the own RSA key. */
  readonly rsaPrivateKey: string;
  readonly clientId: string;
}

/** How many keys a gateway asks for; more may come. */
const amount = 100;

export class SymmetricKeys {
  readonly #options: SymmetricKeysOptions;
  readonly #keys = new Map<string, string>();

  constructor(options: SymmetricKeysOptions) {
    this.#options = options;
  }

  /** Keys received so far. */
  get count(): number {
    return this.#keys.size;
  }

  async give(did: string, clientGatewayMessageId: string, symmetricKey: string): Promise<void> {
    const { session, documents } = this.#options;
    const answer = await session.call({
      method: 'POST',
      path: '/messages/internal',
      body: {
        fqcn: did,
        clientGatewayMessageId,
        payload: wrapKey(documents.resolve(did).encryptionKey, symmetricKey),
      },
    });
    const { messageId } = answer.json() as { messageId?: string };
    mustHold(typeof messageId === 'string', 'a key that was sent without a messageId');
  }

  /** Reads what lies there. There is no acknowledgement: the same keys may come again. */
  async fetch(): Promise<void> {
    const { session, clientId, rsaPrivateKey } = this.#options;
    const answer = await session.call({
      method: 'POST',
      path: '/messages/internal/search',
      body: { clientId, amount },
      isBackground: true,
    });
    const messages = listIn(answer.json(), 'keys') as readonly KeyMessage[];
    for (const { senderDid, clientGatewayMessageId, payload } of messages) {
      const key = nameOf(senderDid, clientGatewayMessageId);
      if (!this.#keys.has(key)) this.#keys.set(key, unwrapKey(rsaPrivateKey, payload));
    }
  }

  /** @throws GatewayFailure `lost` when the key has not come although its message has */
  async keyOf(senderDid: string, clientGatewayMessageId: string): Promise<string> {
    const name = nameOf(senderDid, clientGatewayMessageId);
    if (!this.#keys.has(name)) await this.fetch();
    const key = this.#keys.get(name);
    if (key === undefined) throw new GatewayFailure('lost', `${name} came before its key`);
    return key;
  }
}

const nameOf = (did: string, clientGatewayMessageId: string) => `${clientGatewayMessageId} of ${did}`;
