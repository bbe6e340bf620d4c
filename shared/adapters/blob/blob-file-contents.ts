// Bytes of files: one blob each, named by the file's id. What was verified is a snapshot: an upload URL may still
// write the blob, and never its snapshots.

import type { BlockBlobClient } from '@azure/storage-blob';
import type { BlockDigests } from '../../files/file-record';
import type { ContentUpload, FileContents, FileUrl } from '../../files/file-store';
import { blobPatienceMs, blobUnavailable, callBlob, silentFor } from './blob-errors';
import { findWrongBlock, scratchName } from './block-comparison';
import { BlockUpload } from './block-upload';
import type { Containers } from './containers';
import type { SasSigner } from './sas-signer';

export class BlobFileContents implements FileContents {
  constructor(
    private readonly containers: Containers,
    private readonly signer: SasSigner,
  ) {}

  upload(fileId: string): ContentUpload {
    return new BlockUpload(() => this.#blob(fileId));
  }

  async fix(fileId: string): Promise<{ readonly snapshot: string; readonly sizeBytes: number } | undefined> {
    const blob = await this.#blob(fileId);
    const fixed = await callBlob(
      async (abortSignal) => {
        const { snapshot = '' } = await blob.createSnapshot({ abortSignal });
        const { contentLength = 0 } = await blob.withSnapshot(snapshot).getProperties({ abortSignal });
        return { snapshot, sizeBytes: contentLength };
      },
      ['absent'],
    );
    return typeof fixed === 'string' ? undefined : fixed;
  }

  async unfix(fileId: string, snapshot: string): Promise<void> {
    const blob = await this.#blob(fileId);
    await callBlob((abortSignal) => blob.withSnapshot(snapshot).delete({ abortSignal }), ['absent']);
  }

  async read(
    fileId: string,
    snapshot: string | undefined,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const blob = at(await this.#blob(fileId), snapshot);
    const silence = new AbortController();
    const answer = await callBlob(
      (late) => {
        const abortSignal = AbortSignal.any([late, silence.signal, ...(signal ? [signal] : [])]);
        return blob.download(0, undefined, { maxRetryRequests: 3, abortSignal });
      },
      ['absent'],
    );
    if (typeof answer === 'string') return undefined;
    return bytesOf(answer.readableStreamBody, silence);
  }

  async findWrongBlock(
    fileId: string,
    { snapshot, sizeBytes }: { readonly snapshot: string | undefined; readonly sizeBytes: number },
    blocks: BlockDigests,
    untilMs: number,
  ): Promise<number | undefined> {
    const container = await this.containers.open('files');
    const source = at(container.getBlockBlobClient(fileId), snapshot);
    const scratch = container.getBlockBlobClient(scratchName(fileId));
    const signed = { snapshot, contentDisposition: 'attachment' };
    const url = await this.signer.sign(source, 'r', untilMs, signed);
    return findWrongBlock({ url, sizeBytes }, scratch, blocks);
  }

  async delete(fileId: string): Promise<void> {
    const blob = await this.#blob(fileId);
    await callBlob((abortSignal) => blob.delete({ abortSignal, deleteSnapshots: 'include' }), ['absent']);
  }

  async uploadUrl(fileId: string, expiresAtMs: number): Promise<FileUrl> {
    return { url: await this.signer.sign(await this.#blob(fileId), 'cw', expiresAtMs), expiresAtMs };
  }

  async downloadUrl(
    fileId: string,
    snapshot: string | undefined,
    expiresAtMs: number,
    contentDisposition: string,
  ): Promise<FileUrl> {
    const blob = at(await this.#blob(fileId), snapshot);
    return {
      url: await this.signer.sign(blob, 'r', expiresAtMs, { snapshot, contentDisposition }),
      expiresAtMs,
    };
  }

  async #blob(fileId: string): Promise<BlockBlobClient> {
    return (await this.containers.open('files')).getBlockBlobClient(fileId);
  }
}

function at(blob: BlockBlobClient, snapshot: string | undefined): BlockBlobClient {
  return snapshot === undefined ? blob : blob.withSnapshot(snapshot);
}

/**
 * Gives up when the store sends nothing for as long as a call may last; a reader may take its time.
 * @param silence ends the download
 */
async function* bytesOf(
  stream: NodeJS.ReadableStream | undefined,
  silence: AbortController,
): AsyncIterable<Uint8Array> {
  const wait = (): NodeJS.Timeout =>
    setTimeout(() => {
      silence.abort(silentFor(blobPatienceMs));
    }, blobPatienceMs);
  let waiting = wait();
  try {
    for await (const chunk of stream ?? []) {
      clearTimeout(waiting);
      yield chunk as Buffer;
      waiting = wait();
    }
  } catch (error) {
    throw blobUnavailable(error);
  } finally {
    clearTimeout(waiting);
  }
}
