// A blob as a whole, for those that fit into memory.

import type { BlockBlobClient } from '@azure/storage-blob';
import { callBlob } from './blob-errors';

export interface ReadBlob {
  readonly bytes: Buffer;
  /** The ETag that the bytes have. */
  readonly version: string;
}

/**
 * Bytes and version come with one call: they belong together. Undefined when there is no such blob.
 * @throws BrokerError `blob-store-unavailable`
 */
export async function readBlob(blob: BlockBlobClient): Promise<ReadBlob | undefined> {
  const found = await callBlob(
    async (abortSignal) => {
      const { readableStreamBody = [], etag = '' } = await blob.download(0, undefined, { abortSignal });
      const chunks: Buffer[] = [];
      for await (const chunk of readableStreamBody) chunks.push(Buffer.from(chunk));
      return { bytes: Buffer.concat(chunks), version: etag };
    },
    ['absent'],
  );
  return found === 'absent' ? undefined : found;
}
