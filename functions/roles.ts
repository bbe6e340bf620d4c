// Who holds a role and who is known, of the participants that have logged in (contract §6).

import { Type } from '@sinclair/typebox';
import { type Route, route } from '../shared/http/route';
import type { ParticipantDirectory, RoleDirectory } from '../shared/identity';

export interface RoleRoutesDependencies {
  readonly participants: Pick<ParticipantDirectory, 'exists'>;
  readonly roles: RoleDirectory;
}

const tag = 'Roles';

export function roleRoutes({ participants, roles }: RoleRoutesDependencies): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: 'roles/list',
      operationId: 'listRoleHolders',
      summary: 'List the participants that hold at least one of the roles',
      tag,
      access: 'participant',
      query: Type.Object({
        roles: Type.Optional(
          Type.Array(Type.String({ maxLength: 255 }), {
            description: 'Role names, compared byte for byte; none: nobody.',
            maxItems: 1_000,
          }),
        ),
        searchType: Type.Optional(Type.Literal('ANY', { description: 'One of the roles is enough.' })),
      }),
      responses: {
        200: {
          description: 'Their DIDs, in no order.',
          schema: Type.Object({ dids: Type.Array(Type.String()) }),
        },
      },
      problems: ['message-store-unavailable'],
      handle: async ({ query }) => ({
        json: { dids: query.roles?.length ? await roles.holdersOf(query.roles) : [] },
      }),
    }),
    route({
      method: 'GET',
      path: 'roles/check',
      operationId: 'checkParticipant',
      summary: 'Tell whether a DID has logged in',
      tag,
      access: 'participant',
      query: Type.Object({ did: Type.String({ maxLength: 200 }) }),
      responses: {
        200: {
          description: 'The DID, and whether it is a participant.',
          schema: Type.Object({ did: Type.String(), registered: Type.Boolean() }),
        },
      },
      problems: ['message-store-unavailable'],
      handle: async ({ query }) => ({
        json: { did: query.did, registered: await participants.exists(query.did) },
      }),
    }),
  ];
}
