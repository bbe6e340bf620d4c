// Files: uploaded as a form with the file first, streamed; downloaded with everything else in the headers.

import { randomUUID } from 'node:crypto';
import { createForm } from '../multipart';
import type { DidDocuments } from './did-documents';
import { mustHold } from './gateway-failure';
import { type PublishAnswer, readPublishAnswer } from './message-sender';
import { createSymmetricKey, decryptBytes, encryptBytes } from './payload-encryption';
import { fileDigest, isSignedBy, signText } from './payload-signature';
import type { Session } from './session';
import type { SymmetricKeys } from './symmetric-keys';
import type { Wallet } from './wallet';

export interface OutgoingFile {
  readonly recipients: readonly string[];
  readonly topicId: string;
  readonly topicVersion: string;
  /** With its extension: `.csv`, `.tsv` or another. */
  readonly fileName: string;
  readonly bytes: Uint8Array;
  readonly isEncrypted?: boolean;
  readonly transactionId?: string;
}

export interface DownloadedFile {
  readonly bytes: Buffer;
  readonly ownerDid: string;
  readonly isSignatureValid: boolean;
  readonly contentDisposition: string;
}

export interface FileTransferOptions {
  readonly session: Session;
  readonly wallet: Wallet;
  readonly documents: DidDocuments;
  readonly keys: SymmetricKeys;
}

export class FileTransfer {
  readonly #options: FileTransferOptions;

  constructor(options: FileTransferOptions) {
    this.#options = options;
  }

  async upload(file: OutgoingFile): Promise<PublishAnswer> {
    const { session, wallet, keys } = this.#options;
    const clientGatewayMessageId = randomUUID();
    let { bytes } = file;
    if (file.isEncrypted) {
      const key = createSymmetricKey();
      for (const did of file.recipients) await keys.give(did, clientGatewayMessageId, key);
      bytes = encryptBytes(key, bytes);
    }
    const texts: Readonly<Record<string, string | undefined>> = {
      fileName: file.fileName,
      fqcns: file.recipients.join(','),
      signature: signText(wallet.secretKey, fileDigest(bytes)),
      topicId: file.topicId,
      topicVersion: file.topicVersion,
      clientGatewayMessageId,
      payloadEncryption: String(file.isEncrypted ?? false),
      transactionId: file.transactionId,
    };
    const answer = await session.call({
      method: 'POST',
      path: '/messages/upload',
      form: () =>
        createForm([
          { name: 'file', fileName: file.fileName, bytes: inChunks(bytes) },
          ...Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [{ name, text }])),
        ]),
    });
    return readPublishAnswer(answer, clientGatewayMessageId, wallet.did);
  }

  async download(fileId: string): Promise<DownloadedFile> {
    const { session, documents, keys } = this.#options;
    const answer = await session.call({ method: 'GET', path: '/messages/download', query: { fileId } });
    const header = (name: string) => {
      const value = answer.headers.get(name);
      mustHold(value !== null, `a download without the header ${name}`);
      return value;
    };
    const ownerDid = header('ownerdid');
    const isEncrypted = header('payloadencryption');
    mustHold(isEncrypted === 'true' || isEncrypted === 'false', 'payloadencryption', isEncrypted);
    const clientGatewayMessageId = header('clientgatewaymessageid');
    const { signingKey } = documents.resolve(ownerDid);
    return {
      bytes:
        isEncrypted === 'true'
          ? decryptBytes(await keys.keyOf(ownerDid, clientGatewayMessageId), answer.bytes)
          : answer.bytes,
      ownerDid,
      isSignatureValid: isSignedBy(signingKey, fileDigest(answer.bytes), header('signature')),
      contentDisposition: header('content-disposition'),
    };
  }
}

/** As a file is read from disk. */
function* inChunks(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
