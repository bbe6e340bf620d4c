// Compares bytes with what was said of them while they pass by, in constant memory.

import { createHash } from 'node:crypto';
import { BrokerError } from '../broker-error';
import type { ContentCheck } from '../topics';

export interface ExpectedContent {
  readonly sizeBytes: number;
  /** Absent: the digest is known to be right. */
  readonly sha256: string | undefined;
  /** Absent: the content is opaque. */
  readonly check: ContentCheck | undefined;
}

/** @throws BrokerError `file-mismatch`, `schema-violation` */
export async function compareContent(
  bytes: AsyncIterable<Uint8Array>,
  { sizeBytes, sha256, check }: ExpectedContent,
): Promise<void> {
  const digest = sha256 === undefined ? undefined : createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    digest?.update(chunk);
    await check?.write(chunk);
  }
  if (size !== sizeBytes) throw wrongLength(size, sizeBytes);
  if (digest && digest.digest('hex') !== sha256) {
    throw new BrokerError(
      'file-mismatch',
      'The SHA-256 of the uploaded bytes is not the one that was declared.',
    );
  }
  await check?.end();
}

export function wrongBlock(index: number): BrokerError {
  return new BrokerError(
    'file-mismatch',
    `The MD5 of block ${index}, counted from 0, is not the one that was declared.`,
  );
}

export function wrongLength(uploaded: number, declared: number): BrokerError {
  return new BrokerError(
    'file-mismatch',
    `${uploaded} bytes were uploaded and ${declared} were declared; commit all blocks, then complete the file.`,
  );
}
