// Has the store compare a blob with digests of its blocks: it keeps none itself, but Put Block From URL copies a range
// inside the store and refuses it when its MD5 is not the one that was sent along
// (https://learn.microsoft.com/rest/api/storageservices/put-block-from-url). What is copied is never committed.

import { randomBytes } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { BlockDigests } from '../../files/file-record';
import { mapConcurrently } from '../../map-concurrently';
import { callBlob } from './blob-errors';
import { dropBlocks } from './block-upload';

/** Blocks compared at once. Each is copied over the one before it in its place: so few are ever kept. */
const places = 4;
/** For the store to copy one block, up to 100 MiB, from itself to itself. Unit: ms. */
const copyMs = 120_000;

/** A name that no file has, and no other comparison. */
export const scratchName = (fileId: string): string => `${fileId}.compared-${randomBytes(6).toString('hex')}`;

/**
 * Number of a block that is not as it should be; undefined when all are.
 * @param source its URL allows to read it
 * @param scratch a blob that is not there, for copies
 * @throws BrokerError `blob-store-unavailable`
 */
export async function findWrongBlock(
  source: { readonly url: string; readonly sizeBytes: number },
  scratch: BlockBlobClient,
  { bytes, md5 }: BlockDigests,
): Promise<number | undefined> {
  const blocks = md5.entries();
  let wrong: number | undefined;
  const compareInPlace = async (place: number): Promise<void> => {
    const blockId = Buffer.from(String(place)).toString('base64');
    for (const [index, digest] of blocks) {
      if (wrong !== undefined) return;
      const count = Math.min(bytes, source.sizeBytes - index * bytes);
      const sourceContentMD5 = Buffer.from(digest, 'base64');
      const outcome = await callBlob(
        (abortSignal) =>
          scratch.stageBlockFromURL(blockId, source.url, index * bytes, count, {
            abortSignal,
            sourceContentMD5,
          }),
        ['mismatch'],
        copyMs,
      );
      if (outcome === 'mismatch') wrong = index;
    }
  };
  try {
    await mapConcurrently([...Array(places).keys()], places, compareInPlace);
    return wrong;
  } finally {
    await dropBlocks(scratch);
  }
}
