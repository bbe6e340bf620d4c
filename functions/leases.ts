// Readers that share work: receive leases messages, the others settle leases by their tokens (contract §7).

import { type TSchema, Type } from '@sinclair/typebox';
import { invalidParameter } from '../shared/broker-error';
import type { ChannelAdministration } from '../shared/channels';
import type { ClientConnections } from '../shared/http/client-connections';
import { type Reply, type Route, route } from '../shared/http/route';
import type { RoleDirectory } from '../shared/identity';
import {
  didMailbox,
  type ClientRegistry,
  defaultClientOptions,
  type LeaseAction,
  type Leases,
  type LongPoll,
  type ReceiveRequest,
} from '../shared/messages';
import type { TopicCatalog } from '../shared/topics';
import { channelFilter, type FetchFilter, readFrom, senderFilter, topicFilter } from './fetch-filter';
import { knownClient } from './known-client';
import { clientIdSchema } from './messages';
import {
  leaseTokenSchema,
  printReceived,
  type ReceivedAnswerDependencies,
  receivedSchema,
  signAll,
} from './received-answer';

export interface LeaseRoutesDependencies extends ReceivedAnswerDependencies {
  readonly longPoll: LongPoll;
  readonly leases: Leases;
  readonly catalog: Pick<TopicCatalog, 'find'>;
  readonly channels: Pick<ChannelAdministration, 'get'>;
  readonly roles: RoleDirectory;
  readonly clients: Pick<ClientRegistry, 'note' | 'find'>;
  readonly clientConnections: ClientConnections;
}

const tag = 'Leases';
const did = Type.String({ minLength: 1, maxLength: 200 });
const params = Type.Object({ clientId: clientIdSchema });
const leaseSeconds = Type.Integer({
  minimum: 10,
  maximum: 43_200,
  default: 60,
  description: 'How long the caller alone has the messages. Seconds.',
});

const receiveBody = Type.Object(
  {
    max: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 500, default: 1, description: 'An answer holds 16 MiB at most.' }),
    ),
    waitSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 50,
        default: 0,
        description: 'Waits this long for the first message.',
      }),
    ),
    leaseSeconds: Type.Optional(leaseSeconds),
    topicIds: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9a-f]{24}$' }), { maxItems: 10_000 })),
    senderIds: Type.Optional(Type.Array(did, { maxItems: 10_000 })),
    channel: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'An inbound channel of the caller’s, in place of topicIds and senderIds.',
      }),
    ),
    from: Type.Optional(
      Type.String({ maxLength: 64, description: 'ISO-8601 instant with an offset: a cursor of its own.' }),
    ),
    inline: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Payloads beyond 2 MiB in the answer, not as a reference.',
      }),
    ),
  },
  { examples: [{ max: 10, leaseSeconds: 60 }] },
);

/** What the bodies of the settling routes have together. */
interface Fields {
  readonly leaseTokens: readonly string[];
  readonly delaySeconds?: number;
  readonly reason?: string;
  readonly leaseSeconds?: number;
}

const tokensField = {
  leaseTokens: Type.Array(Type.String({ maxLength: 1_000 }), {
    minItems: 1,
    maxItems: 10_000,
    description: 'Each has an outcome of its own; repeats count once.',
  }),
};
const outcomes = Type.Object({
  succeeded: Type.Array(leaseTokenSchema),
  failed: Type.Array(Type.Object({ leaseToken: Type.String(), code: Type.String(), detail: Type.String() }), {
    description: 'Nothing has changed for these; of `unavailable` that is not known.',
  }),
});
const failureDetails = {
  'invalid-token': 'This token was not made for you and this client id, or it was altered.',
  'lease-expired': 'The lease has ended; the message will be delivered again.',
  'lease-lost': 'The lease was given back, or the message is leased anew.',
  'message-settled': 'The message is acknowledged, has ended, or the client id has moved.',
  unavailable: 'This could not be settled now, or its answer was lost; try again.',
  'dead-letters-full': 'The client id has too many dead letters; delete or redrive some.',
} as const;

export function leaseRoutes(dependencies: LeaseRoutesDependencies): readonly Route[] {
  const { longPoll, leases, clients, catalog, channels, roles, clientConnections } = dependencies;
  const settleRoute = (
    name: 'acknowledge' | 'release' | 'reject' | 'renew',
    summary: string,
    body: TSchema,
    actionOf: (fields: Fields) => LeaseAction,
  ): Route =>
    route({
      method: 'POST',
      path: `clients/{clientId}/${name}`,
      operationId: `${name}Messages`.replace('acknowledgeMessages', 'acknowledgeLeases'),
      summary,
      tag,
      access: 'participant',
      params,
      body,
      maxBodyBytes: 4 * 1024 * 1024,
      standing: 'first',
      responses: { 200: { description: 'Every token in exactly one of both lists', schema: outcomes } },
      problems: ['not-found', 'message-store-unavailable', 'cursor-contended'],
      handle: async ({ caller, params: { clientId }, body: fields }) => {
        await knownClient(clients, caller.did, clientId);
        const given = fields as Fields;
        const mailbox = didMailbox(caller.did);
        const settled = await leases.settle(mailbox, clientId, actionOf(given), given.leaseTokens);
        return {
          json: {
            succeeded: settled.succeeded,
            failed: settled.failed.map((one) => ({ ...one, detail: failureDetails[one.code] })),
          },
        };
      },
    });
  return [
    route({
      method: 'POST',
      path: 'clients/{clientId}/receive',
      operationId: 'receiveMessages',
      summary: 'Lease messages of the caller’s mailbox, oldest first, each to one worker at a time',
      tag,
      access: 'participant',
      params,
      body: receiveBody,
      bodyOptional: true,
      responses: {
        200: { description: 'The messages with their leases; maybe none', schema: receivedSchema },
      },
      problems: [
        'limit-reached',
        'not-found',
        'topic-not-found',
        'message-store-unavailable',
        'topic-store-unavailable',
        'blob-store-unavailable',
        'cursor-contended',
      ],
      handle: async ({ caller, params: { clientId }, body, invocationId, standAside }): Promise<Reply> => {
        const signal = clientConnections.signalOf(invocationId);
        const [filter, options] = await Promise.all([
          filterOf(caller.did, body, { catalog, channels, roles }),
          clients.find(caller.did, clientId),
          clients.note(caller.did, clientId),
        ]);
        const waitMs = (body.waitSeconds ?? 0) * 1_000;
        const mailbox = didMailbox(caller.did);
        if (filter.topics?.length === 0 || filter.senders?.length === 0) {
          // Nobody holds the channel's roles now.
          await longPoll.waitInVain(mailbox, { waitMs, signal, standAside });
          return { json: { messages: [] } };
        }
        const order: ReceiveRequest = {
          mailbox,
          clientId,
          from: readFrom(body.from),
          filter,
          max: body.max ?? 1,
          leaseMs: (body.leaseSeconds ?? 60) * 1_000,
          maxDeliveries: (options ?? defaultClientOptions).maxDeliveries,
        };
        const { messages } = await longPoll.receive(order, { waitMs, signal, standAside });
        const tokens = await signAll(order, messages, dependencies);
        const giveBack = async (): Promise<void> => {
          await leases.settle(mailbox, clientId, { kind: 'withdraw' }, [...tokens.values()]);
        };
        try {
          const answer = await printReceived(order, messages, tokens, body.inline ?? false, dependencies);
          if (!signal.aborted) return { body: answer };
        } catch (error) {
          // Nobody will ever see these tokens. What cannot be given back now comes back when its lease ends.
          await giveBack().catch(() => undefined);
          throw error;
        }
        // Nor when the client has gone.
        await giveBack();
        return { json: { messages: [] } };
      },
    }),
    settleRoute('acknowledge', 'Acknowledge leased messages', Type.Object(tokensField), () => ({
      kind: 'acknowledge',
    })),
    settleRoute(
      'release',
      'Give leased messages back, to be delivered again',
      Type.Object({
        ...tokensField,
        delaySeconds: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 43_200, default: 0, description: 'Not before. Seconds.' }),
        ),
      }),
      ({ delaySeconds = 0 }) => ({ kind: 'release', delayMs: delaySeconds * 1_000 }),
    ),
    settleRoute(
      'reject',
      'Make leased messages dead letters',
      Type.Object({
        ...tokensField,
        reason: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 100,
            description: 'Told in the dead letters, and to senders where the caller gives read receipts.',
          }),
        ),
      }),
      ({ reason = 'rejected' }) => ({ kind: 'reject', reason }),
    ),
    settleRoute(
      'renew',
      'Keep leased messages longer; the tokens stay',
      Type.Object({ ...tokensField, leaseSeconds: Type.Optional(leaseSeconds) }),
      ({ leaseSeconds: seconds = 60 }) => ({ kind: 'renew', leaseMs: seconds * 1_000 }),
    ),
  ];
}

function filterOf(
  callerDid: string,
  body: {
    readonly topicIds?: readonly string[];
    readonly senderIds?: readonly string[];
    readonly channel?: string;
  },
  { catalog, channels, roles }: Pick<LeaseRoutesDependencies, 'catalog' | 'channels' | 'roles'>,
): Promise<FetchFilter> {
  if (body.channel === undefined) {
    return topicFilter({ topicIds: body.topicIds }, catalog).then((topics) => ({
      topics,
      senders: senderFilter(body.senderIds),
    }));
  }
  if (body.topicIds?.length || body.senderIds?.length) {
    throw invalidParameter('channel', 'cannot be combined with topicIds or senderIds');
  }
  return channelFilter(callerDid, body.channel, channels, roles);
}
