// The one client of the Blob store, made at the first use: in Azure with the managed identity, locally with
// Azurite's connection string. Both packages are loaded then and not before: 51 and 37 ms that a start saves.

import type * as Identity from '@azure/identity';
import type * as StorageBlob from '@azure/storage-blob';
import type { BlobServiceClient } from '@azure/storage-blob';
import type { BlobStoreSettings } from '../../config/settings';
import type { HealthCheck } from '../../operations/health';
import { containerNames } from './container-names';

/** Gives up early: a request waits for an answer, and the caller may try again. */
const retryOptions = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 };
const checkDeadlineMs = 3_000;

/** Lazily opened connection to the Blob store, and the health check of it. */
export class BlobConnection implements HealthCheck {
  readonly name = 'blob';
  readonly #settings: BlobStoreSettings;
  readonly #connect: (settings: BlobStoreSettings) => BlobServiceClient;
  #client: BlobServiceClient | undefined;

  /** @param connectWith makes the client; default: what the settings say, with the identity of the app */
  constructor(settings: BlobStoreSettings, connectWith = connect) {
    this.#settings = settings;
    this.#connect = connectWith;
  }

  /** The client; no request is made. @throws TypeError when the connection string is not one */
  client(): BlobServiceClient {
    this.#client ??= this.#connect(this.#settings);
    return this.#client;
  }

  /**
   * Looks at the container of the records: the cheapest call that proves address, identity and permission. The
   * account itself cannot be asked: the deployment grants each container by itself (role-assignments.bicep). A
   * container that a local broker has not made yet is no fault.
   */
  async check(): Promise<void> {
    const records = this.client().getContainerClient(containerNames.records);
    await records.exists({ abortSignal: AbortSignal.timeout(checkDeadlineMs) });
  }
}

function connect(settings: BlobStoreSettings): BlobServiceClient {
  // require, not import(): in the CommonJS bundle import() would take the packages' builds for browsers' modules.
  const storage = require('@azure/storage-blob') as typeof StorageBlob;
  if (settings.kind === 'connection-string') {
    return storage.BlobServiceClient.fromConnectionString(settings.connectionString, { retryOptions });
  }
  const identity = require('@azure/identity') as typeof Identity;
  const credential = new identity.DefaultAzureCredential(
    settings.clientId === undefined ? {} : { managedIdentityClientId: settings.clientId },
  );
  return new storage.BlobServiceClient(settings.serviceUrl, credential, { retryOptions });
}
