// Client ids of the caller's own mailbox, and the removal of what the caller has named: a client id or an anonymous key
// (contract §6).

import { Type } from '@sinclair/typebox';
import type { Clock } from '../shared/clock';
import { type Reply, type Route, route } from '../shared/http/route';
import type { ClientIds } from '../shared/messages';

export interface ClientRoutesDependencies {
  readonly clientIds: ClientIds;
  readonly clock: Clock;
}

const tag = 'Clients';

const ended = Type.Object({
  returnCode: Type.Literal('00'),
  returnMessage: Type.Literal('Success'),
  timestamp: Type.String({ description: 'ISO 8601.' }),
});
const endedAnswer = { 200: { description: 'Done; what did not exist is no fault.', schema: ended } };
const nameParams = Type.Object({
  name: Type.String({
    description: 'A client id or an anonymous key, exactly.',
    minLength: 1,
    maxLength: 255,
  }),
});

export function clientRoutes({ clientIds, clock }: ClientRoutesDependencies): readonly Route[] {
  const done = (): Reply => ({
    json: { returnCode: '00', returnMessage: 'Success', timestamp: new Date(clock()).toISOString() },
  });
  // Two paths for one thing: gateways use both.
  const removeNamed = (path: 'channel/clientIds/{name}' | 'channel/stream/{name}', operationId: string) =>
    route({
      method: 'DELETE',
      path,
      operationId,
      summary: 'Remove the caller’s anonymous key of this name with its mailbox, else its client id',
      tag,
      access: 'participant',
      params: nameParams,
      responses: endedAnswer,
      problems: ['message-store-unavailable'],
      handle: async ({ caller, params }) => {
        await clientIds.removeNamed(caller.did, params.name);
        return done();
      },
    });
  return [
    route({
      method: 'GET',
      path: 'channel/clientIds',
      operationId: 'listClientIds',
      summary: 'List the client ids of the caller’s own mailbox, verbatim',
      tag,
      access: 'participant',
      responses: { 200: { description: 'The client ids, sorted.', schema: Type.Array(Type.String()) } },
      problems: ['message-store-unavailable'],
      handle: async ({ caller }) => ({ json: await clientIds.list(caller.did) }),
    }),
    route({
      method: 'DELETE',
      path: 'channel/clientIds',
      operationId: 'deleteClientIds',
      summary: 'Remove exactly these client ids of the caller’s, with their cursors',
      tag,
      access: 'participant',
      bodyOptional: true,
      body: Type.Object(
        { clientIds: Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 1_000 })) },
        { examples: [{ clientIds: ['my-reader'] }] },
      ),
      responses: endedAnswer,
      problems: ['message-store-unavailable'],
      handle: async ({ caller, body }) => {
        await clientIds.remove(caller.did, body.clientIds ?? []);
        return done();
      },
    }),
    removeNamed('channel/clientIds/{name}', 'deleteClientId'),
    removeNamed('channel/stream/{name}', 'deleteStream'),
  ];
}
