// A form as gateways send it: the file first, then texts, chunked and without a length.

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

export type FormPart =
  | { readonly name: string; readonly text: string }
  | {
      readonly name: string;
      readonly fileName: string;
      readonly bytes: Uint8Array | Iterable<Uint8Array>;
    };

export interface Form {
  readonly contentType: string;
  readonly body: ReadableStream<Uint8Array>;
}

/** @param isWhole false: the form ends without its last boundary */
export function createForm(parts: readonly FormPart[], isWhole = true): Form {
  const boundary = `--------------------------${randomBytes(12).toString('hex')}`;
  function* bytes(): Iterable<Uint8Array> {
    for (const part of parts) {
      const name = `--${boundary}\r\nContent-Disposition: form-data; name="${part.name}"`;
      if ('text' in part) {
        yield Buffer.from(`${name}\r\n\r\n${part.text}\r\n`);
        continue;
      }
      yield Buffer.from(`${name}; filename="${part.fileName}"\r\nContent-Type: text/csv\r\n\r\n`);
      if (part.bytes instanceof Uint8Array) yield part.bytes;
      else yield* part.bytes;
      yield Buffer.from('\r\n');
    }
    if (isWhole) yield Buffer.from(`--${boundary}--\r\n`);
  }
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Readable.toWeb(Readable.from(bytes())) as ReadableStream<Uint8Array>,
  };
}

/** The texts of an upload, in the gateway's order; `fields` replace, undefined leaves out. */
export function uploadTexts(
  recipients: readonly string[],
  topicId: string,
  fields: Readonly<Record<string, string | undefined>> = {},
): readonly FormPart[] {
  const texts: Record<string, string | undefined> = {
    fileName: 'readings.csv',
    fqcns: recipients.join(','),
    signature: 'signature',
    topicId,
    topicVersion: '1.0.0',
    clientGatewayMessageId: 'd6c5c9a4-7bd0-4ad0-9a37-16d0a0b0f1de',
    payloadEncryption: 'true',
    ...fields,
  };
  return Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [{ name, text }]));
}
