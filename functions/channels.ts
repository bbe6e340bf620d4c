// The first call of every client after its login: it makes the caller known as a participant.

import { Type } from '@sinclair/typebox';
import { invalidParameter } from '../shared/broker-error';
import { type Route, route } from '../shared/http/route';
import type { ParticipantDirectory } from '../shared/identity';

export interface ChannelRoutesDependencies {
  readonly participants: ParticipantDirectory;
}

const keyStatus = Type.Object({
  anonymousKey: Type.String(),
  status: Type.Union([Type.Literal('Success'), Type.Literal('Fail')]),
  message: Type.String(),
});

export function channelRoutes({ participants }: ChannelRoutesDependencies): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: 'channel/initExtChannel',
      operationId: 'registerParticipant',
      summary: 'Register the caller and its roles; repeat it as often as you like',
      tag: 'Channels',
      access: 'participant',
      bodyOptional: true,
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
      problems: ['message-store-unavailable'],
      handle: async ({ caller, body }) => {
        if (body.anonymousKeys?.length) {
          throw invalidParameter('anonymousKeys', 'anonymous keys are not available yet');
        }
        await participants.register(caller.did, caller.roles);
        return { json: { status: [] } };
      },
    }),
  ];
}
