// Payloads of messages in Blob: one blob each, with the instant of its removal as an index tag that never changes.

import { createHash, randomBytes } from 'node:crypto';
import type { PayloadStore } from '../../messages/claim-check';
import { callBlob } from './blob-errors';
import type { Containers } from './containers';
import { dueQuery, dueTag } from './due-tag';
import { findByTag } from './find-by-tag';
import { readBlob } from './read-blob';

export class BlobPayloadStore implements PayloadStore {
  constructor(private readonly containers: Containers) {}

  async put(bytes: Uint8Array, dueAtMs: number): Promise<string> {
    const name = randomBytes(12).toString('hex');
    const blob = (await this.containers.open('payloads')).getBlockBlobClient(name);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    await callBlob((abortSignal) =>
      blob.upload(body, body.byteLength, {
        abortSignal,
        tags: dueTag(dueAtMs),
        blobHTTPHeaders: {
          blobContentType: 'application/json',
          blobContentMD5: createHash('md5').update(body).digest(),
        },
      }),
    );
    return name;
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const blob = (await this.containers.open('payloads')).getBlockBlobClient(name);
    return (await readBlob(blob))?.bytes;
  }

  async delete(name: string): Promise<void> {
    const blob = (await this.containers.open('payloads')).getBlockBlobClient(name);
    await callBlob((abortSignal) => blob.delete({ abortSignal }), ['absent']);
  }

  async findDue(nowMs: number, max: number): Promise<readonly string[]> {
    const container = await this.containers.open('payloads');
    return findByTag(container, dueQuery(nowMs), max);
  }
}
