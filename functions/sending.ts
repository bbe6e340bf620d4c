// Sending: one message to its recipients, and many messages at once (contract §3, §7).

import { type Static, Type } from '@sinclair/typebox';
import { invalidParameter } from '../shared/broker-error';
import type { Clock } from '../shared/clock';
import { statusOf, toProblem } from '../shared/http/problems';
import { validate } from '../shared/http/request';
import { type Call, type Reply, type Route, route } from '../shared/http/route';
import type { Log } from '../shared/log';
import {
  maxClaimedPayloadBytes,
  maxRecipients,
  type MessageResult,
  type Publisher,
  type PublishRequest,
  sendBatch,
} from '../shared/messages';
import type { TopicCatalog } from '../shared/topics';
import {
  deprecationHeadersOf,
  deprecationNote,
  isTransient,
  publishAnswer,
  toPublishAnswer,
} from './publish-answer';

export interface SendingRoutesDependencies {
  readonly publisher: Publisher;
  readonly catalog: Pick<TopicCatalog, 'find'>;
  readonly clock: Clock;
  readonly log: Log;
}

const tag = 'Messages';
/** A byte of a payload may take six once it is escaped. A batch takes no more memory than one message. */
const maxBodyBytes = 6 * maxClaimedPayloadBytes + 4 * 1024 * 1024;
const maxBatchMessages = 100;

/** Also what is no DID: it is one failed recipient among the others, not a bad request. */
const recipient = Type.String({ maxLength: 200 });
const topicId = Type.String({ pattern: '^[0-9a-f]{24}$' });
const reference = Type.String({ maxLength: 200 });
const anonymousKey = Type.String({ minLength: 1, maxLength: 255 });

const publishBody = Type.Object(
  {
    fqcns: Type.Optional(
      Type.Array(recipient, {
        maxItems: maxRecipients,
        description: 'DIDs of the recipients; repeats count once.',
      }),
    ),
    recipientRoles: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        maxItems: 1_000,
        description: `Role names, compared byte for byte: whoever holds one of them is a recipient too, the sender not excepted. At most ${maxRecipients} recipients in all.`,
      }),
    ),
    payload: Type.Optional(
      Type.String({
        description:
          'At most 8 MiB in UTF-8. Comes back byte for byte. Required unless there is a fileId; without it the message is the file’s: isFile is true and the payload names the file.',
      }),
    ),
    fileId: Type.Optional(
      Type.String({
        maxLength: 100,
        description:
          'A completed file of your own: the recipients may read it from then on, as long as the message lives. Not together with anonymousRecipient.',
      }),
    ),
    topicId,
    topicVersion: Type.String({ minLength: 1, maxLength: 100 }),
    signature: Type.String({ maxLength: 10_000 }),
    clientGatewayMessageId: Type.String({ minLength: 1, maxLength: 200 }),
    payloadEncryption: Type.Boolean({
      description: 'False: the payload is validated against the version’s schema.',
    }),
    transactionId: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'A second message with it, to the same recipient on the same topic, is a duplicate.',
      }),
    ),
    initiatingMessageId: Type.Optional(reference),
    initiatingTransactionId: Type.Optional(reference),
    topicRestrictions: Type.Optional(Type.String({ maxLength: 500 })),
    ttlSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400_000,
        description: 'Life of the message in seconds, at most that of the longest retention class.',
      }),
    ),
    anonymousRecipient: Type.Optional(Type.Array(anonymousKey, { maxItems: 25 })),
  },
  {
    examples: [
      {
        fqcns: ['did:ethr:volta:0x5b38da6a701c568545dcfcb03fcb875f56beddc4'],
        payload: '{"text":"Good morning."}',
        topicId: '0123456789abcdef01234567',
        topicVersion: '1.0.0',
        signature: 'made by the sender, verified by the recipient',
        clientGatewayMessageId: '3f0c1b0e-0c5e-4a57-8f5c-2b6f1d9b7a11',
        payloadEncryption: false,
      },
    ],
  },
);

type PublishBody = Static<typeof publishBody>;

const batchBody = Type.Object(
  {
    messages: Type.Array(Type.Unknown(), {
      maxItems: maxBatchMessages,
      description: `Each as the body of POST /messages; one that is not has its own 400 among the results. At most ${maxRecipients} recipients in all.`,
    }),
  },
  { examples: [{ messages: publishBody['examples'] as unknown }] },
);

const batchAnswer = Type.Object({
  results: Type.Array(
    Type.Object({
      status: Type.Integer({ description: 'As POST /messages would have answered.' }),
      body: Type.Union([publishAnswer, Type.Unsafe({ $ref: '#/components/schemas/Problem' })]),
    }),
    { description: 'One for each message, in their order.' },
  ),
});

export function sendingRoutes(dependencies: SendingRoutesDependencies): readonly Route[] {
  const { publisher, catalog, clock, log } = dependencies;

  /** One entry of a batch's answer. */
  const toResult = (result: MessageResult, did: string, message: unknown, requestId: string) => {
    if (result.status === 'fulfilled') {
      const { clientGatewayMessageId } = message as PublishBody;
      return { status: 200, body: toPublishAnswer(did, clientGatewayMessageId, result.value) };
    }
    const problem = toProblem(result.reason, requestId, clock());
    if (problem.status >= 500) {
      log('warn', 'message of a batch failed', { requestId, code: problem.code, error: result.reason });
    }
    return { status: problem.status, body: problem };
  };

  return [
    route({
      method: 'POST',
      path: 'messages',
      operationId: 'publishMessage',
      summary: 'Send a message to participants; each recipient has an outcome of its own',
      tag,
      access: 'participant',
      body: publishBody,
      maxBodyBytes,
      idempotency: {},
      responses: {
        200: {
          description: `What became of it, also when every recipient failed. ${deprecationNote}`,
          schema: publishAnswer,
        },
      },
      problems: [
        'topic-not-found',
        'version-sunset',
        'schema-violation',
        'message-store-unavailable',
        'message-store-full',
        'topic-store-unavailable',
        'blob-store-unavailable',
      ],
      handle: async (call) => {
        const { caller, body } = call;
        const outcomes = await publisher.publish(toRequest(call, body));
        return {
          json: toPublishAnswer(caller.did, body.clientGatewayMessageId, outcomes),
          headers: await deprecationHeadersOf(catalog, body),
          isTransient: isTransient(outcomes),
        };
      },
    }),
    route({
      method: 'POST',
      path: 'messages/batch',
      operationId: 'publishBatch',
      summary: 'Send up to 100 messages at once, each for itself; a recipient gets them in their order',
      tag,
      access: 'participant',
      body: batchBody,
      maxBodyBytes,
      idempotency: {},
      responses: { 200: { description: 'What became of each, also when all failed', schema: batchAnswer } },
      handle: async (call): Promise<Reply> => {
        const { caller, body, requestId } = call;
        const results = await sendBatch(
          publisher,
          body.messages.map(
            (message, index) => () =>
              toRequest(call, validate(publishBody, message, 'body') as PublishBody, index),
          ),
        );
        return {
          json: {
            results: results.map((result, index) =>
              toResult(result, caller.did, body.messages[index], requestId),
            ),
          },
          isTransient: results.some(isPassing),
        };
      },
    }),
  ];
}

/** Whether the same message may come further another time. */
function isPassing(result: MessageResult): boolean {
  if (result.status === 'fulfilled') return isTransient(result.value);
  return statusOf(result.reason) >= 500;
}

/** @param index of a batch's message: each is an attempt of its own */
function toRequest({ caller, attempt }: Call, body: PublishBody, index?: number): PublishRequest {
  requireWellFormed(body);
  const { fqcns = [], recipientRoles = [], anonymousRecipient = [], ...fields } = body;
  return {
    ...fields,
    senderDid: caller.did,
    senderRoles: caller.roles,
    recipients: fqcns,
    recipientRoles,
    anonymousRecipients: anonymousRecipient,
    attempt: attempt && index !== undefined ? { ...attempt, id: `${attempt.id}.${index}` } : attempt,
  };
}

/** A lone surrogate has no UTF-8 form: it would be stored as something else. */
export function requireWellFormed(body: Readonly<Record<string, unknown>>): void {
  const isWellFormed = (value: unknown): boolean => typeof value !== 'string' || value.isWellFormed();
  for (const [field, value] of Object.entries(body)) {
    if (Array.isArray(value) ? !value.every(isWellFormed) : !isWellFormed(value)) {
      throw invalidParameter(field, 'must not contain a lone surrogate');
    }
  }
}
