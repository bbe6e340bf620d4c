// The Blob store's health check against a real Azurite: passes when it answers, fails when it does not.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { azuriteConnectionString } from '../../../scripts/stack/azurite';
import { BlobConnection } from '../../../shared/adapters/blob/blob-connection';
import { containerNames } from '../../../shared/adapters/blob/container-names';
import { type Azurite, startAzurite } from '../../support/azurite';

/** What test/unit/infra/parameters.test.ts finds granted, one by one. */
const granted: readonly string[] = Object.values(containerNames);

describe('BlobConnection', () => {
  let azurite: Azurite;

  beforeAll(async () => {
    azurite = await startAzurite();
  });

  afterAll(async () => {
    await azurite.stop();
  });

  const connectTo = (connectionString: string) =>
    new BlobConnection({ kind: 'connection-string', connectionString });

  it('passes its check while the store answers', async () => {
    await expect(connectTo(azurite.connectionString).check()).resolves.toBeUndefined();
  });

  it('fails its check when the key is not the right one', async () => {
    const wrongKey = Buffer.alloc(64).toString('base64');
    const connection = connectTo(
      azurite.connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${wrongKey}`),
    );
    await expect(connection.check()).rejects.toThrow();
  });

  it('fails its check within the deadline when nothing listens', async () => {
    const startedAtMs = performance.now();
    const connection = connectTo(azurite.connectionString.replace(/:\d+\//, ':1/'));
    await expect(connection.check()).rejects.toThrow();
    expect(performance.now() - startedAtMs).toBeLessThan(4_000);
  });

  it('passes its check with rights to the containers alone, as in Azure', async () => {
    const asked: string[] = [];
    const store = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://store');
      const [, , container = ''] = pathname.split('/');
      asked.push(container);
      response.writeHead(granted.includes(container) ? 200 : 403).end();
    });
    store.listen(0, '127.0.0.1');
    await once(store, 'listening');
    try {
      const connection = connectTo(azuriteConnectionString((store.address() as AddressInfo).port));
      await expect(connection.check()).resolves.toBeUndefined();
      expect(asked).toHaveLength(1);
    } finally {
      await new Promise((closed) => store.close(closed));
    }
  });

  it('makes one client and keeps it', () => {
    const connection = connectTo(azurite.connectionString);
    expect(connection.client()).toBe(connection.client());
  });

  it('uses the identity, and no request, for an account in Azure', () => {
    const connection = new BlobConnection({
      kind: 'identity',
      serviceUrl: 'https://account.blob.core.windows.net',
      clientId: '00000000-0000-0000-0000-000000000000',
    });
    expect(connection.client().url).toBe('https://account.blob.core.windows.net/');
  });
});
