// What a participant governs alone: that it is known, its anonymous keys, and its channels. Every route works on the
// caller's own; there is no parameter that names another participant's.

import { type Static, Type } from '@sinclair/typebox';
import {
  type Channel,
  type ChannelAdministration,
  channelTypes,
  maxChannelEntries,
} from '../shared/channels';
import type { Clock } from '../shared/clock';
import { type Route, route } from '../shared/http/route';
import type { ParticipantDirectory } from '../shared/identity';
import type { AnonymousMailboxes } from '../shared/messages';

export interface ChannelRoutesDependencies {
  readonly participants: Pick<ParticipantDirectory, 'register'>;
  readonly channels: ChannelAdministration;
  readonly anonymousMailboxes: Pick<AnonymousMailboxes, 'register'>;
  readonly clock: Clock;
}

const keyStatus = Type.Object({
  anonymousKey: Type.String(),
  status: Type.Union([Type.Literal('Success'), Type.Literal('Fail')]),
  message: Type.String(),
});

const tag = 'Channels';
/** Lists of 10,000 entries each, escaped. */
const maxChannelBodyBytes = 8 * 1024 * 1024;

const entries = (items: ReturnType<typeof Type.String>, description: string) =>
  Type.Array(items, { description, maxItems: maxChannelEntries });
const topics = entries(Type.String({ pattern: '^[0-9a-f]{24}$' }), 'Topic ids; empty: every topic.');
const dids = entries(
  Type.String({ minLength: 1, maxLength: 200 }),
  'Senders admitted by their DID; with no DID and no role, every sender.',
);
const roles = entries(Type.String({ minLength: 1, maxLength: 255 }), 'Senders admitted by a role they hold.');
const type = Type.Union(
  channelTypes.map((name) => Type.Literal(name)),
  { description: 'sub, pubsub and download are inbound.' },
);
const enforced = Type.Boolean({
  description:
    'True: the broker refuses what none of the caller’s enforced inbound channels admits, by sender and topic.',
});

const channelBody = Type.Object(
  {
    type,
    topics: Type.Optional(topics),
    dids: Type.Optional(dids),
    roles: Type.Optional(roles),
    enforced: Type.Optional(enforced),
  },
  {
    examples: [
      {
        type: 'sub',
        topics: ['0123456789abcdef01234567'],
        dids: ['did:ethr:volta:0x5b38da6a701c568545dcfcb03fcb875f56beddc4'],
        roles: [],
        enforced: true,
      },
    ],
  },
);
const channelAnswer = Type.Object({ fqcn: Type.String(), type, topics, dids, roles, enforced });
const channelParams = Type.Object({
  fqcn: Type.String({ description: 'Name among the caller’s channels.', minLength: 1, maxLength: 255 }),
});
const ended = Type.Object({
  returnCode: Type.Literal('00'),
  returnMessage: Type.Literal('Success'),
  timestamp: Type.String({ description: 'ISO 8601.' }),
});

export function channelRoutes(dependencies: ChannelRoutesDependencies): readonly Route[] {
  const { participants, channels, anonymousMailboxes, clock } = dependencies;
  return [
    route({
      method: 'POST',
      path: 'channel/initExtChannel',
      operationId: 'registerParticipant',
      summary: 'Register the caller, its roles and its anonymous keys; repeat it as often as you like',
      tag,
      access: 'participant',
      bodyOptional: true,
      // It may be repeated anyway, and is answered alike; the key is taken as on every other route that creates.
      idempotency: {},
      body: Type.Object({
        anonymousKeys: Type.Optional(
          Type.Array(Type.Object({ anonymousKey: Type.String({ minLength: 1, maxLength: 255 }) }), {
            maxItems: 1_000,
          }),
        ),
      }),
      responses: {
        200: {
          description: 'Registered; one status for each key that was sent',
          schema: Type.Object({ status: Type.Array(keyStatus) }),
        },
      },
      problems: ['anonymous-key-is-did', 'message-store-unavailable'],
      handle: async ({ caller, body }) => {
        const keys = (body.anonymousKeys ?? []).map(({ anonymousKey }) => anonymousKey);
        const [status] = await Promise.all([
          anonymousMailboxes.register(caller.did, keys),
          // As of the token's issue: it may be older than the roles of the last login.
          participants.register(caller.did, caller.roles, caller.issuedAtMs ?? 0),
        ]);
        return { json: { status } };
      },
    }),
    route({
      method: 'GET',
      path: 'channels',
      operationId: 'listChannels',
      summary: 'List the caller’s channels, by name',
      tag,
      access: 'participant',
      responses: { 200: { description: 'The channels.', schema: Type.Array(channelAnswer) } },
      problems: ['message-store-unavailable'],
      handle: async ({ caller }) => ({ json: await channels.list(caller.did) }),
    }),
    route({
      method: 'GET',
      path: 'channels/{fqcn}',
      operationId: 'getChannel',
      summary: 'Read one of the caller’s channels',
      tag,
      access: 'participant',
      params: channelParams,
      responses: { 200: { description: 'The channel.', schema: channelAnswer } },
      problems: ['not-found', 'message-store-unavailable'],
      handle: async ({ caller, params }) => ({ json: await channels.get(caller.did, params.fqcn) }),
    }),
    route({
      method: 'PUT',
      path: 'channels/{fqcn}',
      operationId: 'putChannel',
      summary: 'Create a channel of the caller, or replace it; counts everywhere within two seconds',
      tag,
      access: 'participant',
      params: channelParams,
      body: channelBody,
      maxBodyBytes: maxChannelBodyBytes,
      responses: { 200: { description: 'The channel as it is kept.', schema: channelAnswer } },
      problems: ['limit-reached', 'payload-too-large', 'message-store-unavailable'],
      handle: async ({ caller, params, body }) => ({
        json: await channels.put(caller.did, toChannel(params.fqcn, body)),
      }),
    }),
    route({
      method: 'DELETE',
      path: 'channels/{fqcn}',
      operationId: 'deleteChannel',
      summary: 'Remove one of the caller’s channels',
      tag,
      access: 'participant',
      params: channelParams,
      responses: { 200: { description: 'Done.', schema: ended } },
      problems: ['not-found', 'message-store-unavailable'],
      handle: async ({ caller, params }) => {
        await channels.remove(caller.did, params.fqcn);
        return {
          json: { returnCode: '00', returnMessage: 'Success', timestamp: new Date(clock()).toISOString() },
        };
      },
    }),
  ];
}

function toChannel(fqcn: string, body: Static<typeof channelBody>): Channel {
  const { topics: ofTopics = [], dids: ofDids = [], roles: ofRoles = [] } = body;
  const { type: direction, enforced: isEnforced = false } = body;
  return { fqcn, type: direction, topics: ofTopics, dids: ofDids, roles: ofRoles, enforced: isEnforced };
}
