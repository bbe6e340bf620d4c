// Files as tests exchange them: opened at the broker, uploaded to the URL that it answers, completed.

import { createHash, randomUUID } from 'node:crypto';
import type { BrokerAnswer, Participant } from './broker';
import type { Fields, PublishAnswer } from './broker-messages';

export interface Slot {
  readonly fileId: string;
  readonly upload: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly expiresAt: string;
  };
}

export interface FileAnswer {
  readonly fileId: string;
  readonly ownerDid: string;
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly verification: string;
  readonly signature: string;
  readonly endsAt: string;
  readonly download: { readonly url: string; readonly expiresAt: string };
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A description of these bytes, encrypted and of no meaning; `fields` replace or add. */
export function describeFile(
  recipients: readonly string[],
  topicId: string,
  bytes: Uint8Array,
  fields: Fields = {},
): Fields {
  return {
    fqcns: recipients,
    topicId,
    topicVersion: '1.0.0',
    fileName: 'readings.bin',
    sizeBytes: bytes.byteLength,
    sha256: sha256Of(bytes),
    signature: 'signature',
    clientGatewayMessageId: randomUUID(),
    payloadEncryption: true,
    ...fields,
  };
}

export async function openFile(
  owner: Participant,
  recipients: readonly string[],
  topicId: string,
  bytes: Uint8Array,
  fields: Fields = {},
): Promise<Slot> {
  const answer = await owner.request<Slot>(
    'POST',
    '/files',
    describeFile(recipients, topicId, bytes, fields),
  );
  if (answer.status !== 200) throw new Error(`POST /files answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

/** Uploads as curl does: one PUT. @returns the store's status */
export async function putBytes({ upload }: Slot, bytes: Uint8Array): Promise<number> {
  const answer = await fetch(upload.url, {
    method: 'PUT',
    headers: upload.headers,
    body: new Uint8Array(bytes),
  });
  await answer.arrayBuffer();
  return answer.status;
}

export type Completion = PublishAnswer & { readonly verification: string };

export function complete<Body = Completion>(owner: Participant, fileId: string): Promise<BrokerAnswer<Body>> {
  return owner.request<Body>('POST', `/files/${fileId}/complete`);
}

/** A file that is opened, uploaded and completed. @returns its id */
export async function sendFile(
  owner: Participant,
  recipients: readonly string[],
  topicId: string,
  bytes: Uint8Array,
  fields: Fields = {},
): Promise<string> {
  const slot = await openFile(owner, recipients, topicId, bytes, fields);
  const status = await putBytes(slot, bytes);
  if (status !== 201) throw new Error(`the store answered ${status}`);
  const answer = await complete(owner, slot.fileId);
  if (answer.status !== 200) throw new Error(`complete answered ${answer.status}: ${answer.text}`);
  return slot.fileId;
}

/** The bytes behind a download URL, or the store's status. */
export async function getBytes(url: string): Promise<Buffer | number> {
  const answer = await fetch(url);
  const bytes = Buffer.from(await answer.arrayBuffer());
  return answer.status === 200 ? bytes : answer.status;
}
