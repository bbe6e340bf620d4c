// Search and acknowledge: how every Client Gateway reads (contract §3).

import { type Static, Type } from '@sinclair/typebox';
import { type Call, type Reply, type Route, route } from '../shared/http/route';
import {
  didMailbox,
  type AnonymousMailboxes,
  type ClientRegistry,
  type Mailbox,
  type ClaimChecks,
  type MailboxReader,
  mailboxToken,
  type MessageIds,
  type MessageLog,
  printMessages,
} from '../shared/messages';
import type { TopicCatalog } from '../shared/topics';
import { readFrom, senderFilter, topicFilter } from './fetch-filter';

export interface MessageRoutesDependencies {
  readonly reader: MailboxReader;
  readonly messageLog: Pick<MessageLog, 'generation'>;
  readonly messageIds: MessageIds;
  readonly claimChecks: Pick<ClaimChecks, 'redeem'>;
  readonly catalog: Pick<TopicCatalog, 'find'>;
  readonly anonymousMailboxes: Pick<AnonymousMailboxes, 'open'>;
  readonly clients: Pick<ClientRegistry, 'note'>;
}

const did = Type.String({ minLength: 1, maxLength: 200 });
const topicId = Type.String({ pattern: '^[0-9a-f]{24}$' });
const topicIds = Type.Array(topicId, { maxItems: 10_000 });
const anonymousKey = Type.String({ minLength: 1, maxLength: 255 });
/** A participant's name for one of its readers. */
export const clientIdSchema = Type.String({ pattern: '^[A-Za-z0-9:.>*_-]{1,255}$' });
const messageId = Type.String({ description: '24 lower-case hex characters.' });

const searchBody = Type.Object(
  {
    topicId: Type.Optional(topicIds),
    fqcnTopicList: Type.Optional(topicIds),
    clientId: clientIdSchema,
    amount: Type.Optional(Type.Integer({ minimum: 1, maximum: 20_000, default: 1 })),
    from: Type.Optional(Type.String({ maxLength: 64, description: 'ISO-8601 instant with an offset.' })),
    senderId: Type.Optional(Type.Array(did, { maxItems: 10_000 })),
    anonymousRecipient: Type.Optional(anonymousKey),
  },
  { examples: [{ clientId: 'my-reader', topicId: ['0123456789abcdef01234567'], amount: 10 }] },
);

/** A message as a search returns it. */
export const messageSchema = Type.Object({
  messageId,
  timestampNanos: Type.Integer({ description: 'When it was stored: milliseconds × 10⁶.' }),
  fqcn: Type.String(),
  topicId: Type.String(),
  topicVersion: Type.String(),
  transactionId: Type.Optional(Type.String()),
  signature: Type.String(),
  payload: Type.String(),
  senderDid: Type.String(),
  payloadEncryption: Type.Boolean(),
  isFile: Type.Boolean(),
  clientGatewayMessageId: Type.String(),
  initiatingMessageId: Type.Optional(Type.String()),
  initiatingTransactionId: Type.Optional(Type.String()),
  topicRestrictions: Type.Optional(Type.String()),
  fileId: Type.Optional(
    Type.String({ description: 'A file that the message refers to: GET /files/{fileId}.' }),
  ),
});

const acknowledgeBody = Type.Object(
  {
    messageIds: Type.Optional(
      Type.Array(Type.Unknown(), {
        maxItems: 20_000,
        description:
          'Message ids, as many as can be pending. Whatever else stands there is not found, and harms no good one.',
      }),
    ),
    clientId: clientIdSchema,
    from: searchBody.properties.from,
    anonymousRecipient: Type.Optional(anonymousKey),
  },
  { examples: [{ clientId: 'my-reader', messageIds: ['4700c5254af6ba18bc6b6bfe'] }] },
);

export function messageRoutes(dependencies: MessageRoutesDependencies): readonly Route[] {
  const { reader, messageLog, messageIds, catalog, anonymousMailboxes, clients, claimChecks } = dependencies;
  /** The caller's own mailbox, or that of an anonymous key that it has registered. */
  const ownMailbox = async (callerDid: string, key: string | undefined): Promise<Mailbox> =>
    key === undefined ? didMailbox(callerDid) : anonymousMailboxes.open(callerDid, key);
  return [
    route({
      method: 'POST',
      path: 'messages/search',
      operationId: 'searchMessages',
      summary: 'Peek at the caller’s un-acknowledged messages, oldest first',
      tag: 'Messages',
      access: 'participant',
      body: searchBody,
      responses: {
        200: {
          description: 'The messages; each comes back until it is acknowledged',
          schema: Type.Array(messageSchema),
        },
      },
      problems: [
        'limit-reached',
        'topic-not-found',
        'message-store-unavailable',
        'topic-store-unavailable',
        'blob-store-unavailable',
        'cursor-contended',
      ],
      handle: async ({ caller, body }): Promise<Reply> => {
        const mailbox = await ownMailbox(caller.did, body.anonymousRecipient);
        const topics = await topicFilter(
          { topicId: body.topicId, fqcnTopicList: body.fqcnTopicList },
          catalog,
        );
        if (topics?.length === 0) return { json: [] };
        const search = reader.search({
          mailbox,
          clientId: body.clientId,
          from: readFrom(body.from),
          filter: {
            topics,
            senders: senderFilter(body.senderId),
          },
          amount: body.amount ?? 1,
        });
        // Of an anonymous mailbox the client ids are not listed, and end with it.
        const note = mailbox.kind === 'did' ? clients.note(caller.did, body.clientId) : undefined;
        const [found] = await Promise.all([search, note]);
        const redeemed = await claimChecks.redeem(found);
        const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
        return {
          body: printMessages(
            redeemed.map(({ seq, keyNumber, ...stored }) => ({
              ...stored,
              messageId: messageIds.seal(seq, context, keyNumber),
            })),
          ),
        };
      },
    }),
    route({
      method: 'POST',
      path: 'messages/ack',
      operationId: 'acknowledgeMessages',
      summary: 'Acknowledge messages on one cursor; idempotent',
      tag: 'Messages',
      access: 'participant',
      body: acknowledgeBody,
      standing: 'first',
      maxBodyBytes: 4 * 1024 * 1024,
      responses: {
        200: {
          description: 'Every id in exactly one of both lists',
          schema: Type.Object({ acked: Type.Array(messageId), notFound: Type.Array(messageId) }),
        },
      },
      problems: ['limit-reached', 'message-store-unavailable', 'cursor-contended'],
      handle: async ({ caller, body }: Call<Static<typeof acknowledgeBody>>) => {
        const mailbox = await ownMailbox(caller.did, body.anonymousRecipient);
        const from = readFrom(body.from);
        const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
        const ids = body.messageIds?.map((id) => (typeof id === 'string' ? id : JSON.stringify(id))) ?? [];
        const seqOf = await messageIds.openAll(ids, context);
        const seqs = [...new Set([...seqOf.values()].filter((seq) => seq !== undefined))].sort(
          (a, b) => a - b,
        );
        const acknowledged = seqs.length
          ? await reader.acknowledge({ mailbox, clientId: body.clientId, from, seqs })
          : new Set<number>();
        const isAcked = (id: string): boolean => acknowledged.has(seqOf.get(id) ?? -1);
        const { acked = [], notFound = [] } = Object.groupBy(seqOf.keys(), (id) =>
          isAcked(id) ? 'acked' : 'notFound',
        );
        return { json: { acked, notFound } };
      },
    }),
  ];
}
