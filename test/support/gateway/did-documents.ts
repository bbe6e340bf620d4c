// Where participants publish their public keys. It stands for the DID registry, which belongs to nobody and which the
// broker has no part in.

import { GatewayFailure } from './gateway-failure';

export interface DidDocument {
  /** secp256k1, compressed. */
  readonly signingKey: Uint8Array;
  /** RSA, PEM. */
  readonly encryptionKey: string;
}

export class DidDocuments {
  readonly #documents = new Map<string, DidDocument>();

  publish(did: string, document: DidDocument): void {
    this.#documents.set(did, document);
  }

  /** @throws GatewayFailure for a DID that published nothing */
  resolve(did: string): DidDocument {
    const document = this.#documents.get(did);
    if (!document) throw new GatewayFailure('lost', `no DID document of ${did}`);
    return document;
  }
}
