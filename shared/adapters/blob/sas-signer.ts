// Shared access signatures: permission for one blob, for minutes. In Azure they are signed with a user-delegation key
// (https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas), which the identity is given for
// some hours; with the account's key only in Azurite, whose connection string holds it.

import type * as StorageBlob from '@azure/storage-blob';
import type { BlockBlobClient, StorageSharedKeyCredential, UserDelegationKey } from '@azure/storage-blob';
import type { BlobConnection } from './blob-connection';
import { callBlob } from './blob-errors';

/** How far a participant's clock or the store's may be behind ours. */
export const startSkewMs = 300_000;
/** Life of a delegation key. A fifth of it, 24 minutes, is more than the life of any signature. */
export const delegationKeyMs = 7_200_000;
/** A key is used until this much of its life is over. */
const usedShare = 0.8;

export interface SignedResponse {
  readonly snapshot: string | undefined;
  /** Header of the answer. */
  readonly contentDisposition: string;
}

interface HeldKey {
  readonly key: UserDelegationKey;
  readonly renewAtMs: number;
}

export class SasSigner {
  #held: HeldKey | undefined;
  #asking: Promise<HeldKey> | undefined;

  constructor(
    private readonly connection: BlobConnection,
    private readonly clock: () => number,
  ) {}

  /**
   * The blob's URL with permission to use it.
   * @param permissions `cw`: create and write; `r`: read
   * @throws BrokerError `blob-store-unavailable`
   */
  async sign(
    blob: BlockBlobClient,
    permissions: 'cw' | 'r',
    expiresAtMs: number,
    response?: SignedResponse,
  ): Promise<string> {
    const storage = require('@azure/storage-blob') as typeof StorageBlob;
    const values = {
      containerName: blob.containerName,
      blobName: blob.name,
      ...(response?.snapshot === undefined ? {} : { snapshotTime: response.snapshot }),
      permissions: storage.BlobSASPermissions.parse(permissions),
      startsOn: new Date(this.clock() - startSkewMs),
      expiresOn: new Date(expiresAtMs),
      protocol: isLoopback(blob.url) ? storage.SASProtocol.HttpsAndHttp : storage.SASProtocol.Https,
      ...(response ? { contentDisposition: response.contentDisposition } : {}),
    };
    const { credential } = blob;
    const signature =
      credential instanceof storage.StorageSharedKeyCredential
        ? storage.generateBlobSASQueryParameters(values, credential satisfies StorageSharedKeyCredential)
        : storage.generateBlobSASQueryParameters(values, await this.#key(), blob.accountName);
    return `${blob.url}${blob.url.includes('?') ? '&' : '?'}${signature.toString()}`;
  }

  async #key(): Promise<UserDelegationKey> {
    if (this.#held && this.clock() < this.#held.renewAtMs) return this.#held.key;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    this.#held = await this.#asking;
    return this.#held.key;
  }

  async #ask(): Promise<HeldKey> {
    const nowMs = this.clock();
    const startsOn = new Date(nowMs - startSkewMs);
    const expiresOn = new Date(nowMs + delegationKeyMs);
    // All who wait for a URL wait for this one call.
    const key = await callBlob((abortSignal) =>
      this.connection.client().getUserDelegationKey(startsOn, expiresOn, { abortSignal }),
    );
    return { key, renewAtMs: nowMs + delegationKeyMs * usedShare };
  }
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Plain http never leaves the machine. */
function isLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && loopbackHosts.has(hostname);
}
