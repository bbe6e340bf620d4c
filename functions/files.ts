// Files that go between participants and the Blob store directly (contract §7): read, call, write.

import { type Static, Type } from '@sinclair/typebox';
import type { Clock } from '../shared/clock';
import { type FileRecord, type DirectFiles, type UploadSlot } from '../shared/files';
import { type Route, route } from '../shared/http/route';
import type { TopicCatalog } from '../shared/topics';
import {
  deprecationHeadersOf,
  deprecationNote,
  isTransient,
  publishAnswer,
  toPublishAnswer,
} from './publish-answer';

export interface FileRoutesDependencies {
  readonly directFiles: DirectFiles;
  readonly catalog: Pick<TopicCatalog, 'find'>;
  readonly clock: Clock;
}

const tag = 'Files';
/** What becomes part of a header of `GET /messages/download`: printable ASCII. */
const headerPattern = '^[\\x20-\\x7e]*$';

const fileId = Type.String({ description: '24 lower-case hex characters.' });
const params = Type.Object({ fileId });
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 in lower-case hex.' });
const fileUrl = {
  url: Type.String({ description: 'A secret: whoever has it may use it.' }),
  expiresAt: instant(),
};

const openBody = Type.Object(
  {
    fqcns: Type.Optional(
      Type.Array(Type.String({ maxLength: 200 }), {
        maxItems: 10_000,
        description: 'DIDs of the recipients, who may read the file and get a message; repeats count once.',
      }),
    ),
    topicId: Type.String({ pattern: '^[0-9a-f]{24}$' }),
    topicVersion: Type.String({ minLength: 1, maxLength: 100 }),
    fileName: Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[^\\x00-\\x1f\\x7f/\\\\]+$',
      description: 'A name without a path.',
    }),
    sizeBytes: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Unit: bytes.' }),
    sha256,
    signature: Type.String({ maxLength: 4_096, pattern: headerPattern }),
    clientGatewayMessageId: Type.String({ minLength: 1, maxLength: 200, pattern: headerPattern }),
    blocks: Type.Optional(
      Type.Object(
        {
          bytes: Type.Integer({
            minimum: 4 * 1024 * 1024,
            maximum: 100 * 1024 * 1024,
            description: 'Length of each but the last. They need not be the blocks of the upload.',
          }),
          md5: Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]{22}==$' }), {
            minItems: 1,
            maxItems: 10_000,
            description: 'MD5 of each block in Base64, in their order.',
          }),
        },
        {
          description:
            'By these the Blob store itself compares a file that is larger than the broker computes digests of.',
        },
      ),
    ),
    payloadEncryption: Type.Boolean({
      description: 'False: the file is validated against the version’s schema when it is completed.',
    }),
  },
  {
    examples: [
      {
        fqcns: ['did:ethr:volta:0x5b38da6a701c568545dcfcb03fcb875f56beddc4'],
        topicId: '0123456789abcdef01234567',
        topicVersion: '1.0.0',
        fileName: 'readings.csv.enc',
        sizeBytes: 5_242_880,
        sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        signature: 'made by the sender, verified by the recipient',
        clientGatewayMessageId: '3f0c1b0e-0c5e-4a57-8f5c-2b6f1d9b7a11',
        payloadEncryption: true,
      },
    ],
  },
);

type UploadSlotAnswer = Static<typeof slotAnswer>;
const slotAnswer = Type.Object({
  fileId,
  upload: Type.Object({
    ...fileUrl,
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'To be sent with a PUT of the whole file; block uploads by an SDK or azcopy need none.',
    }),
  }),
});

const verification = Type.Union([Type.Literal('sha256'), Type.Literal('blocks'), Type.Literal('length')], {
  description:
    '`blocks`, `length`: the file is larger than the broker computes digests of. The Blob store has compared the declared digests of its blocks, or only its length was compared; recipients compare the SHA-256.',
});

const completeAnswer = Type.Object({ ...publishAnswer.properties, fileId, verification });

const fileAnswer = Type.Object({
  fileId,
  ownerDid: Type.String(),
  topicId: Type.String(),
  topicVersion: Type.String(),
  fileName: Type.String({ description: 'As its owner wrote it: do not use it as a path.' }),
  sizeBytes: Type.Integer({ description: 'Unit: bytes.' }),
  sha256,
  verification,
  signature: Type.String(),
  clientGatewayMessageId: Type.String(),
  payloadEncryption: Type.Boolean(),
  endsAt: instant('Until then it can be read.'),
  download: Type.Object(fileUrl),
});

const removedAnswer = Type.Object({
  returnCode: Type.Literal('00'),
  returnMessage: Type.Literal('Success'),
  timestamp: instant(),
});

export function fileRoutes({ directFiles, catalog, clock }: FileRoutesDependencies): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: 'files',
      operationId: 'openFile',
      summary: 'Begin a file: answers the URL to which its owner uploads the bytes',
      tag,
      access: 'participant',
      body: openBody,
      // The URL is a secret and not kept: a repetition is given another one for the same place.
      idempotency: {
        keep: (json) => (json as UploadSlotAnswer).fileId,
        replay: async ({ caller }, kept) => ({
          json: toSlot(await directFiles.uploadAgain(caller.did, kept as string)),
        }),
      },
      // 10,000 recipients of 200 characters.
      maxBodyBytes: 4 * 1024 * 1024,
      responses: { 200: { description: 'An id and a place to upload to.', schema: slotAnswer } },
      problems: [
        'topic-not-found',
        'version-sunset',
        'schema-type-unsupported',
        'limit-reached',
        'topic-store-unavailable',
        'blob-store-unavailable',
        // To a repetition, when there is nothing to upload any more.
        'file-not-found',
        'file-complete',
        'upload-slot-expired',
      ],
      handle: async ({ caller, attempt, body: { fqcns = [], ...fields } }) => ({
        json: toSlot(await directFiles.open({ ...fields, ownerDid: caller.did, recipients: fqcns }, attempt)),
      }),
    }),
    route({
      method: 'POST',
      path: 'files/{fileId}/upload',
      operationId: 'renewFileUpload',
      summary: 'Another URL for an upload that takes longer than one URL works; blocks that are there stay',
      tag,
      access: 'participant',
      params,
      responses: { 200: { description: 'The same place, for some more minutes.', schema: slotAnswer } },
      problems: ['file-not-found', 'file-complete', 'upload-slot-expired', 'blob-store-unavailable'],
      handle: async ({ caller, params: { fileId: id } }) => ({
        json: toSlot(await directFiles.uploadAgain(caller.did, id)),
      }),
    }),
    route({
      method: 'POST',
      path: 'files/{fileId}/complete',
      operationId: 'completeFile',
      summary: 'Verify an uploaded file and send its recipients a message; repeat it as often as you like',
      tag,
      access: 'participant',
      params,
      idempotency: {},
      responses: {
        200: {
          description: `What became of the messages, the same at every repetition. ${deprecationNote}`,
          schema: completeAnswer,
        },
      },
      problems: [
        'file-not-found',
        'file-not-complete',
        'file-mismatch',
        'upload-slot-expired',
        'topic-not-found',
        'version-sunset',
        'schema-violation',
        'schema-type-unsupported',
        'payload-too-large',
        'message-store-unavailable',
        'message-store-full',
        'topic-store-unavailable',
        'blob-store-unavailable',
      ],
      handle: async ({ caller, params: { fileId: id } }) => {
        const { record, outcomes } = await directFiles.complete(caller, id);
        return {
          json: {
            ...toPublishAnswer(caller.did, record.clientGatewayMessageId, outcomes),
            fileId: record.fileId,
            verification: record.verification ?? 'length',
          },
          headers: await deprecationHeadersOf(catalog, record),
          isTransient: isTransient(outcomes),
        };
      },
    }),
    route({
      method: 'GET',
      path: 'files/{fileId}',
      operationId: 'getFile',
      summary: 'A file’s description and a URL to download it by; for its owner and its recipients',
      tag,
      access: 'participant',
      params,
      responses: { 200: { description: 'The file.', schema: fileAnswer } },
      problems: ['file-not-found', 'file-not-complete', 'blob-store-unavailable'],
      handle: async ({ caller, params: { fileId: id } }) => {
        const { record, download } = await directFiles.read(caller.did, id);
        return {
          json: {
            ...toFile(record),
            download: { url: download.url, expiresAt: new Date(download.expiresAtMs).toISOString() },
          },
        };
      },
    }),
    route({
      method: 'DELETE',
      path: 'files/{fileId}',
      operationId: 'deleteFile',
      summary: 'Remove a file of the caller’s own; messages that refer to it stay',
      tag,
      access: 'participant',
      params,
      responses: { 200: { description: 'It is gone.', schema: removedAnswer } },
      problems: ['file-not-found', 'blob-store-unavailable'],
      handle: async ({ caller, params: { fileId: id } }) => {
        await directFiles.remove(caller.did, id);
        return {
          json: { returnCode: '00', returnMessage: 'Success', timestamp: new Date(clock()).toISOString() },
        };
      },
    }),
  ];
}

function instant(description = 'ISO 8601, UTC.') {
  return Type.String({ format: 'date-time', description });
}

function toSlot({ fileId: id, upload }: UploadSlot) {
  return {
    fileId: id,
    upload: {
      url: upload.url,
      // The Blob service asks for it with a PUT of a whole blob.
      headers: { 'x-ms-blob-type': 'BlockBlob' },
      expiresAt: new Date(upload.expiresAtMs).toISOString(),
    },
  };
}

function toFile(record: FileRecord) {
  return {
    fileId: record.fileId,
    ownerDid: record.ownerDid,
    topicId: record.topicId,
    topicVersion: record.topicVersion,
    fileName: record.fileName,
    sizeBytes: record.sizeBytes,
    sha256: record.sha256,
    verification: record.verification ?? ('length' as const),
    signature: record.signature,
    clientGatewayMessageId: record.clientGatewayMessageId,
    payloadEncryption: record.payloadEncryption,
    endsAt: new Date(record.endsAtMs).toISOString(),
  };
}
