// How a participant uploads a file to the URL that `POST /files` answers: in blocks, each checked by the store, then
// one list that makes them the file (https://learn.microsoft.com/rest/api/storageservices/put-block-list). No SDK.

import { createHash } from 'node:crypto';

/** A block; 50,000 of them are the largest blob. */
const blockBytes = 1024 * 1024;

/**
 * Uploads the whole file.
 * @param url the upload URL, which works for some minutes; `POST /files/{fileId}/upload` answers another one
 * @param onProgress gets the number of bytes that the store has
 * @throws Error with the store's status when it refuses
 */
export async function uploadBlocks(
  url: string,
  bytes: Uint8Array,
  onProgress: (uploadedBytes: number) => void = () => undefined,
): Promise<void> {
  const blockIds: string[] = [];
  for (let start = 0; start < bytes.byteLength; start += blockBytes) {
    const block = bytes.subarray(start, start + blockBytes);
    // All ids of a blob have one length.
    const blockId = Buffer.from(String(blockIds.length).padStart(6, '0')).toString('base64');
    // Azurite is four times slower without it.
    const digest = createHash('md5').update(block).digest('base64');
    await put(`${url}&comp=block&blockid=${encodeURIComponent(blockId)}`, block, { 'content-md5': digest });
    blockIds.push(blockId);
    onProgress(start + block.byteLength);
  }
  const list = blockIds.map((blockId) => `<Latest>${blockId}</Latest>`).join('');
  await put(
    `${url}&comp=blocklist`,
    `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`,
    {},
  );
}

/**
 * Digests of a file's parts, for `blocks` of `POST /files`.
 * @param partBytes 4 to 100 MiB
 */
export function digestBlocks(
  bytes: Uint8Array,
  partBytes = 64 * 1024 * 1024,
): { readonly bytes: number; readonly md5: readonly string[] } {
  const count = Math.ceil(bytes.byteLength / partBytes);
  const md5 = Array.from({ length: count }, (_none, index) =>
    createHash('md5')
      .update(bytes.subarray(index * partBytes, (index + 1) * partBytes))
      .digest('base64'),
  );
  return { bytes: partBytes, md5 };
}

async function put(
  url: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const answer = await fetch(url, {
    method: 'PUT',
    headers,
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  await answer.arrayBuffer();
  // The URL is a secret and no part of the message.
  if (answer.status !== 201) throw new Error(`the Blob store answered ${answer.status} to the upload`);
}
