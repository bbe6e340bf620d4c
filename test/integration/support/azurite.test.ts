// The test's own blob service: what the blob adapter's tests rely on.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Azurite, startAzurite } from '../../support/azurite';

describe('a test Azurite', () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  it('stores a blob through its connection string', async () => {
    const { BlobServiceClient } = await import('@azure/storage-blob');
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'kept',
    );
    await container.create();
    await container.getBlockBlobClient('one').upload('bytes', 5);
    expect((await container.getBlockBlobClient('one').downloadToBuffer()).toString()).toBe('bytes');
  });
});
