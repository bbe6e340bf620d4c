// Reads a form with one file (multipart/form-data, RFC 7578) while it comes in: the file's bytes are handed on as
// they arrive, at the pace of whoever takes them, and never held whole.

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import type { HttpRequest } from '@azure/functions';
import { once } from 'node:events';
import { BrokerError } from '../broker-error';
import { bodyChunks } from './body-chunks';

export interface UploadOptions {
  /** Name of the part that is the file; every other part is a text. */
  readonly filePart: string;
  /** Bytes of one text at most. */
  readonly maxTextBytes: number;
  /** How long the whole form may take. Unit: ms. */
  readonly maxMs: number;
  /** Takes the file's bytes. The rest of the form is read when it has returned. */
  readonly takeFile: (bytes: AsyncIterable<Uint8Array>) => Promise<void>;
}

/** Parts that a form may have: those we know, and a few of a stranger's. */
const maxTexts = 50;
const maxHeaderBytes = 16 * 1024;

/**
 * The texts of the form, by name.
 * @throws BrokerError `malformed-upload` unless there is exactly one file and the form is whole, `body-too-slow`; what
 *   takeFile throws
 */
export async function readUpload(
  request: Pick<HttpRequest, 'headers' | 'body'>,
  options: UploadOptions,
): Promise<Readonly<Record<string, string>>> {
  const parser = createParser(request.headers.get('content-type'), options);
  const texts = new Map<string, string>();
  let file: BusboyFileStream | undefined;
  let taking: Promise<void> | undefined;
  const fault = Promise.withResolvers<never>();
  const fail = (message: string, cause?: unknown): void => {
    fault.reject(new BrokerError('malformed-upload', message, { cause }));
  };
  // Ends the wait for room in the parser. A race with one promise for all waits would grow with each of them.
  const faulty = new AbortController();
  fault.promise.catch(() => {
    faulty.abort();
  });

  parser.on('file', (_name, stream) => {
    // That it ends without all of its bytes is told by the parser's error.
    file = stream;
    taking = options.takeFile(stream as AsyncIterable<Uint8Array>);
    taking.catch((error: unknown) => {
      fault.reject(error);
      stream.resume();
    });
  });
  parser.on('field', (name, value, _nameTruncated, isTruncated) => {
    if (isTruncated) fail(`The part ${name.slice(0, 100)} is longer than ${options.maxTextBytes} bytes.`);
    else if (texts.has(name)) fail(`The part ${name.slice(0, 100)} occurs twice.`);
    else texts.set(name, value);
  });
  parser.on('filesLimit', () => {
    fail('There is more than one file in the form.');
  });
  parser.on('fieldsLimit', () => {
    fail(`There are more than ${maxTexts} texts in the form.`);
  });
  parser.on('error', (error) => {
    fail('The form ended early, or is not multipart/form-data.', error);
  });

  const finished = once(parser, 'finish');
  finished.catch(() => undefined);
  try {
    for await (const chunk of chunksOf(request, options.maxMs, fail)) {
      if (parser.write(chunk)) continue;
      await once(parser, 'drain', { signal: faulty.signal }).catch(() => fault.promise);
    }
    parser.end();
    await Promise.race([finished, fault.promise]);
    if (!taking)
      throw new BrokerError('malformed-upload', `There is no part ${options.filePart} in the form.`);
    await Promise.race([taking, fault.promise]);
    // A fault of the last part comes with its end.
    await Promise.race([Promise.resolve(), fault.promise]);
    return Object.fromEntries(texts);
  } catch (error) {
    parser.destroy();
    file?.destroy();
    throw error;
  }
}

async function* chunksOf(
  request: Pick<HttpRequest, 'body'>,
  maxMs: number,
  fail: (message: string, cause: unknown) => void,
): AsyncIterable<Uint8Array> {
  try {
    yield* bodyChunks(request, maxMs);
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    fail('The body ended early; send the whole form.', error);
    throw new BrokerError('malformed-upload', 'The body ended early; send the whole form.', { cause: error });
  }
}

function createParser(contentType: string | null, options: UploadOptions): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType ?? '' },
      isPartAFile: (name) => name === options.filePart,
      limits: {
        files: 1,
        fields: maxTexts,
        fieldSize: options.maxTextBytes,
        headerPairs: 20,
        headerSize: maxHeaderBytes,
      },
    });
  } catch (error) {
    throw new BrokerError('malformed-upload', 'The body has to be multipart/form-data with a boundary.', {
      cause: error,
    });
  }
}
