// Names of blobs by an index tag. The store may answer a page that is not full, or empty, and say that there are more
// (https://learn.microsoft.com/rest/api/storageservices/find-blobs-by-tags), so pages are read until there are enough.

import type { ContainerClient } from '@azure/storage-blob';
import { callBlob } from './blob-errors';

/** Most that the store gives at a time. Azurite counts what does not match, too, and goes on after no smaller page. */
const pageSize = 5_000;

/** Up to `max`, at most 5,000. @throws BrokerError `blob-store-unavailable` */
export async function findByTag(
  container: ContainerClient,
  query: string,
  max: number,
): Promise<readonly string[]> {
  return callBlob<readonly string[]>(async (abortSignal) => {
    const names: string[] = [];
    for await (const { blobs } of container
      .findBlobsByTags(query, { abortSignal })
      .byPage({ maxPageSize: pageSize })) {
      names.push(...blobs.map(({ name }) => name));
      if (names.length >= max) break;
    }
    return names.slice(0, max);
  });
}
