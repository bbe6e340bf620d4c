// Every implementation of the stores of files and payloads: Azurite by its key over http, Azurite by Entra tokens over
// https as in Azure, and the stand-in in memory.

import type { TokenCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlobConnection } from '../../shared/adapters/blob/blob-connection';
import { BlobFileContents } from '../../shared/adapters/blob/blob-file-contents';
import { BlobFileRecords } from '../../shared/adapters/blob/blob-file-records';
import { Containers } from '../../shared/adapters/blob/containers';
import { SasSigner } from '../../shared/adapters/blob/sas-signer';
import type { Clock } from '../../shared/clock';
import type { FileContents, FileRecords } from '../../shared/files';
import { startAzurite, startSecureAzurite } from './azurite';
import { MemoryFileStore } from './memory-file-store';

export interface BlobStores {
  readonly records: FileRecords;
  readonly contents: FileContents;
  /** What a participant does with an upload URL. @returns the store's status */
  readonly put: (url: string, bytes: Uint8Array) => Promise<number>;
  /** What a participant does with a download URL. @returns the bytes, or the store's status */
  readonly get: (url: string) => Promise<Buffer | number>;
  readonly stop: () => Promise<void>;
}

export interface BlobBackend {
  readonly name: string;
  /** Its download URLs can be tried: Azurite does not verify those of snapshots that a delegation key has signed. */
  readonly verifiesSnapshotUrls: boolean;
  readonly open: (clock: Clock) => Promise<BlobStores>;
}

export const blobBackends: readonly BlobBackend[] = [
  {
    name: 'Azurite with its key',
    verifiesSnapshotUrls: true,
    open: async (clock) => {
      const azurite = await startAzurite();
      const connection = new BlobConnection({
        kind: 'connection-string',
        connectionString: azurite.connectionString,
      });
      return { ...storesOf(connection, clock), ...client(), stop: azurite.stop };
    },
  },
  {
    name: 'Azurite with Entra tokens',
    verifiesSnapshotUrls: false,
    open: async (clock) => {
      const azurite = await startSecureAzurite();
      const connection = connectWithEntra(azurite.url, azurite.certificate);
      return { ...storesOf(connection, clock), ...client(azurite.certificate), stop: azurite.stop };
    },
  },
  {
    name: 'memory',
    verifiesSnapshotUrls: true,
    open: () => {
      const store = new MemoryFileStore();
      const { records, contents } = store.open();
      return Promise.resolve({
        records,
        contents,
        put: (url, bytes) => {
          store.put(url.slice('memory:'.length), bytes);
          return Promise.resolve(201);
        },
        get: (url) => {
          const [fileId = '', snapshot = ''] = url.slice('memory:'.length).split('?');
          const bytes = store.content(fileId, snapshot === '' ? undefined : snapshot);
          return Promise.resolve(bytes ? Buffer.from(bytes) : 404);
        },
        stop: () => Promise.resolve(),
      });
    },
  },
];

/** As the app connects in Azure, to an Azurite with a certificate of its own. */
export function connectWithEntra(url: string, certificate: string): BlobConnection {
  return new BlobConnection({ kind: 'identity', serviceUrl: url }, () => {
    const options = { retryOptions: { maxTries: 2 }, tlsOptions: { ca: certificate } };
    return new BlobServiceClient(url, entraStandIn, options);
  });
}

function storesOf(connection: BlobConnection, clock: Clock) {
  const containers = new Containers(connection);
  return {
    records: new BlobFileRecords(containers),
    contents: new BlobFileContents(containers, new SasSigner(connection, clock)),
  };
}

/** Azurite reads a token and does not ask who signed it. */
const entraStandIn: TokenCredential = {
  getToken: () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = {
      iss: 'https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/',
      aud: 'https://storage.azure.com',
      nbf: 1,
      iat: 1,
      exp: 9_999_999_999,
      tid: 'ab1f708d-50f6-404c-a006-d71b2ac7a606',
      oid: '23657296-5cd5-45b0-a809-d972a7f4dfe1',
      ver: '1.0',
    };
    return Promise.resolve({
      token: `${part({ alg: 'none' })}.${part(claims)}.none`,
      expiresOnTimestamp: Date.now() + 3_600_000,
    });
  },
};

function client(ca?: string): Pick<BlobStores, 'put' | 'get'> {
  const exchange = (method: string, url: string, bytes?: Uint8Array) =>
    new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const options = {
        method,
        headers: bytes ? { 'x-ms-blob-type': 'BlockBlob', 'content-length': bytes.byteLength } : {},
      };
      const call = url.startsWith('https:')
        ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }) })
        : httpRequest(url, options);
      call.once('error', reject);
      call.once('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('end', () => {
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) });
        });
      });
      call.end(bytes);
    });
  return {
    put: async (url, bytes) => (await exchange('PUT', url, bytes)).status,
    get: async (url) => {
      const { status, body } = await exchange('GET', url);
      return status === 200 ? body : status;
    },
  };
}
