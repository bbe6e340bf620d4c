// Bytes of files: one blob each, named by the file's id. What was verified is a snapshot: an upload URL may still
// write the blob, and never its snapshots.

import type { BlockBlobClient } from '@azure/storage-blob';
import type { BlockDigests } from '../../files/file-record';
import type { ContentUpload, FileContents, FileUrl } from '../../files/file-store';
import { blobUnavailable, callBlob } from './blob-errors';
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
    const fixed = await callBlob(async () => {
      const { snapshot = '' } = await blob.createSnapshot();
      const { contentLength = 0 } = await blob.withSnapshot(snapshot).getProperties();
      return { snapshot, sizeBytes: contentLength };
    }, ['absent']);
    return typeof fixed === 'string' ? undefined : fixed;
  }

  async unfix(fileId: string, snapshot: string): Promise<void> {
    const blob = await this.#blob(fileId);
    await callBlob(() => blob.withSnapshot(snapshot).delete(), ['absent']);
  }

  async read(
    fileId: string,
    snapshot: string | undefined,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const blob = at(await this.#blob(fileId), snapshot);
    const answer = await callBlob(
      () => blob.download(0, undefined, { maxRetryRequests: 3, ...(signal ? { abortSignal: signal } : {}) }),
      ['absent'],
    );
    if (typeof answer === 'string') return undefined;
    return bytesOf(answer.readableStreamBody);
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
    await callBlob(() => blob.delete({ deleteSnapshots: 'include' }), ['absent']);
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

async function* bytesOf(stream: NodeJS.ReadableStream | undefined): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of stream ?? []) yield chunk as Buffer;
  } catch (error) {
    throw blobUnavailable(error);
  }
}
