// Files through the broker, as existing gateways send and fetch them (contract §4): read, call, write.

import { type Static, Type } from '@sinclair/typebox';
import { contentDisposition, headerText, type LegacyFiles } from '../shared/files';
import type { ClientConnections } from '../shared/http/client-connections';
import { validate } from '../shared/http/request';
import { type Route, route } from '../shared/http/route';
import { readUpload } from '../shared/http/upload';
import type { TopicCatalog } from '../shared/topics';
import {
  deprecationHeadersOf,
  deprecationNote,
  isTransient,
  publishAnswer,
  toPublishAnswer,
} from './publish-answer';

export interface LegacyFileRoutesDependencies {
  readonly legacyFiles: LegacyFiles;
  readonly catalog: Pick<TopicCatalog, 'find'>;
  readonly clientConnections: Pick<ClientConnections, 'signalOf' | 'taken'>;
  /** How long a form may take to arrive, and a file to be taken. Unit: ms. */
  readonly maxTransferMs: number;
}

const tag = 'Files';
/** What becomes part of a header of the download: printable ASCII. */
const headerPattern = '^[\\x20-\\x7e]*$';
/** 10,000 recipients of 200 characters. */
const maxTextBytes = 2 * 1024 * 1024;

const texts = Type.Object({
  fileName: Type.String({ minLength: 1, maxLength: 1_024, description: 'Not used as a path.' }),
  fqcns: Type.String({ description: 'DIDs of the recipients, joined by commas; repeats count once.' }),
  signature: Type.String({ maxLength: 4_096, pattern: headerPattern }),
  topicId: Type.String({ pattern: '^[0-9a-f]{24}$' }),
  topicVersion: Type.String({ minLength: 1, maxLength: 100 }),
  clientGatewayMessageId: Type.String({ minLength: 1, maxLength: 200, pattern: headerPattern }),
  payloadEncryption: Type.Boolean({
    description: '`true` or `false`. False: the file is validated against the version’s schema.',
  }),
  transactionId: Type.Optional(Type.String({ maxLength: 200 })),
});

const form = Type.Object({
  file: Type.String({
    format: 'binary',
    description: 'Comes first, with 1 to 100,000,000 bytes. Its length need not be known before.',
  }),
  ...texts.properties,
});

export function legacyFileRoutes({
  legacyFiles,
  catalog,
  clientConnections,
  maxTransferMs,
}: LegacyFileRoutesDependencies): readonly Route[] {
  /** Asks for the next chunk only when the client has taken the last one, and for none when it has gone. */
  const toStream = (bytes: AsyncIterator<Uint8Array, void>, invocationId: string) => {
    const isGone = clientConnections.signalOf(invocationId);
    const endsAt = performance.now() + maxTransferMs;
    const cancel = async (): Promise<void> => {
      await bytes.return?.();
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          await clientConnections.taken(invocationId, endsAt - performance.now());
          if (isGone.aborted) await cancel();
          const step = isGone.aborted ? undefined : await bytes.next();
          if (!step || step.done) controller.close();
          else controller.enqueue(step.value);
        },
        cancel,
      },
      { highWaterMark: 0 },
    );
  };
  return [
    route({
      method: 'POST',
      path: 'messages/upload',
      operationId: 'uploadFile',
      summary: 'Send a file of up to 100 MB to participants; POST /files takes larger ones',
      tag,
      access: 'participant',
      streamedBody: { contentType: 'multipart/form-data', schema: form },
      idempotency: {},
      responses: {
        200: {
          description: `What became of it, also when every recipient failed. ${deprecationNote}`,
          schema: publishAnswer,
        },
      },
      problems: [
        'malformed-upload',
        'body-too-slow',
        'invalid-parameters',
        'payload-too-large',
        'topic-not-found',
        'version-sunset',
        'schema-violation',
        'schema-type-unsupported',
        'message-store-unavailable',
        'message-store-full',
        'topic-store-unavailable',
        'blob-store-unavailable',
        'transfers-busy',
      ],
      handle: async ({ caller, request, once, standAside }) => {
        const incoming = await standAside(
          () => legacyFiles.receive(caller.did),
          (unused) => unused.end(),
        );
        try {
          // What streams in takes as long as its sender likes, and may not keep others from their turn.
          const parts = await standAside(() =>
            readUpload(request, {
              filePart: 'file',
              maxTextBytes,
              maxMs: maxTransferMs,
              takeFile: (bytes) => incoming.take(bytes),
            }),
          );
          const { fqcns, transactionId, ...fields } = validate(texts, parts, 'body') as Static<typeof texts>;
          const description = {
            ...fields,
            ownerDid: caller.did,
            recipients: fqcns.split(',').filter((recipient) => recipient !== ''),
            // An empty transaction id is none.
            transactionId: transactionId === '' ? undefined : transactionId,
          };
          // What was sent is known when all of it has come, and nobody has seen it yet.
          return await once(incoming.contentOf(description), async (attempt) => {
            const { record, outcomes } = await incoming.finish(caller, description, attempt);
            return {
              json: toPublishAnswer(caller.did, record.clientGatewayMessageId, outcomes),
              headers: await deprecationHeadersOf(catalog, record),
              isTransient: isTransient(outcomes),
            };
          });
        } finally {
          // What did not become a file: a refusal, or a repetition that is answered as the first one was.
          await incoming.end();
        }
      },
    }),
    route({
      method: 'GET',
      path: 'messages/download',
      operationId: 'downloadFile',
      summary:
        'The bytes of a file, for its owner and its recipients; GET /files/{fileId} answers a URL instead',
      tag,
      access: 'participant',
      query: Type.Object({ fileId: Type.String({ description: '24 lower-case hex characters.' }) }),
      responses: {
        200: {
          description: 'The bytes as they were uploaded.',
          contentType: 'application/octet-stream',
          headers: {
            clientgatewaymessageid: 'As its owner sent it.',
            payloadencryption: '`true` or `false`.',
            ownerdid: 'DID of the owner.',
            signature: 'As its owner sent it.',
            'content-disposition': 'A name to save it under.',
          },
        },
      },
      problems: [
        'file-not-found',
        'file-not-complete',
        'payload-too-large',
        'transfers-busy',
        'blob-store-unavailable',
      ],
      handle: async ({ caller, query: { fileId }, invocationId, standAside }) => {
        const { record, bytes } = await standAside(
          () => legacyFiles.send(caller.did, fileId),
          async (unused) => {
            await unused.bytes.return?.();
          },
        );
        return {
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': String(record.sizeBytes),
            'content-disposition': contentDisposition(record.fileName),
            clientgatewaymessageid: headerText(record.clientGatewayMessageId),
            payloadencryption: String(record.payloadEncryption),
            ownerdid: headerText(record.ownerDid),
            signature: headerText(record.signature),
          },
          body: toStream(bytes, invocationId),
        };
      },
    }),
  ];
}
