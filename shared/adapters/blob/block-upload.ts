// Bytes of unknown number on their way into one blob: staged in blocks that nobody sees until they are committed. Two
// buffers an upload, whatever its size: one fills while the other is on its way.

import { createHash } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { ContentUpload } from '../../files/file-store';
import { callBlob } from './blob-errors';

/**
 * Twenty uploads at once stay within 20 MB. Blocks of 1 MiB are a quarter faster on one connection and take twice the
 * memory; a blob has at most 50,000 blocks, which are 24 GiB.
 */
const blockBytes = 512 * 1024;

export class BlockUpload implements ContentUpload {
  #filling = Buffer.allocUnsafeSlow(blockBytes);
  #filled = 0;
  /** The block on its way; settles with its buffer, which is free then. */
  #staging: Promise<Buffer<ArrayBuffer>> | undefined;
  readonly #blockIds: string[] = [];

  constructor(private readonly open: () => Promise<BlockBlobClient>) {}

  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      const taken = rest.subarray(0, blockBytes - this.#filled);
      this.#filling.set(taken, this.#filled);
      this.#filled += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (this.#filled === blockBytes) await this.#send();
    }
  }

  async commit(): Promise<void> {
    const blob = await this.open();
    if (this.#blockIds.length === 0) {
      // Small enough for one request.
      const body = this.#filling.subarray(0, this.#filled);
      const blobHTTPHeaders = { blobContentMD5: md5(body) };
      await callBlob((abortSignal) => blob.upload(body, body.byteLength, { abortSignal, blobHTTPHeaders }));
      return;
    }
    await this.#send();
    await this.#staging;
    await callBlob((abortSignal) => blob.commitBlockList(this.#blockIds, { abortSignal }));
  }

  async discard(): Promise<void> {
    await this.#staging?.catch(() => undefined);
    if (this.#blockIds.length === 0) return;
    await this.open().then(dropBlocks, () => undefined);
  }

  async #send(): Promise<void> {
    const block = this.#filling;
    const size = this.#filled;
    const freed = await this.#staging;
    this.#filling = freed ?? Buffer.allocUnsafeSlow(blockBytes);
    this.#filled = 0;
    if (size === 0) {
      this.#staging = undefined;
      return;
    }
    const id = Buffer.from(String(this.#blockIds.length).padStart(6, '0')).toString('base64');
    this.#blockIds.push(id);
    const staging = this.#stage(id, block, size);
    // Whoever waits next sees the failure; until then it is nobody's.
    staging.catch(() => undefined);
    this.#staging = staging;
  }

  async #stage(id: string, block: Buffer<ArrayBuffer>, size: number): Promise<Buffer<ArrayBuffer>> {
    const body = block.subarray(0, size);
    const blob = await this.open();
    const transactionalContentMD5 = md5(body);
    await callBlob((abortSignal) =>
      blob.stageBlock(id, body, size, { abortSignal, transactionalContentMD5 }),
    );
    return block;
  }
}

/** Drops a blob's uncommitted blocks, and the blob. For what is over, so it does not fail. */
export async function dropBlocks(blob: BlockBlobClient): Promise<void> {
  try {
    // Writing a blob drops its uncommitted blocks; else they would be kept, and paid for, for a week.
    await callBlob((abortSignal) => blob.upload('', 0, { abortSignal }));
    await callBlob((abortSignal) => blob.delete({ abortSignal }));
  } catch {
    // The service drops them by itself after that week.
  }
}

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}
