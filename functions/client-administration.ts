// Client ids as their participant sees and governs them: lag, options, seek, dead letters (contract §7). The routes of
// gateways are in clients.ts.

import { Type } from '@sinclair/typebox';
import type { Clock } from '../shared/clock';
import { invalidParameter } from '../shared/broker-error';
import { type Reply, type Route, route } from '../shared/http/route';
import { mapConcurrently } from '../shared/map-concurrently';
import {
  didMailbox,
  type ClientCursorAdministration,
  type ClientIds,
  type ClientOptions,
  type ClientRegistry,
  type ClientStates,
  defaultClientOptions,
  parseInstant,
  type SeekPlace,
} from '../shared/messages';
import { knownClient } from './known-client';
import { type DeadLetterDependencies, deadLetterRoutes } from './dead-letters';
import { clientIdSchema } from './messages';

export interface ClientAdministrationDependencies extends DeadLetterDependencies {
  readonly clients: Pick<ClientRegistry, 'find' | 'list' | 'put'>;
  readonly clientIds: Pick<ClientIds, 'remove'>;
  readonly cursors: ClientCursorAdministration;
  readonly states: ClientStates;
  /** Server time. Unit: ms. */
  readonly now: () => Promise<number>;
  readonly clock: Clock;
}

const tag = 'Clients';
const concurrentOptions = 16;
const maxListed = 1_000;
const params = Type.Object({ clientId: clientIdSchema });
const problems = ['not-found', 'message-store-unavailable'] as const;

const count = (description: string) => Type.Integer({ minimum: 0, description });
const clientSchema = Type.Object({
  clientId: Type.String(),
  maxDeliveries: Type.Integer({ description: 'Leases of one message; then it becomes a dead letter.' }),
  lag: count('Messages not acknowledged; those that ended within the last minute may be counted.'),
  oldestUnackedSeconds: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
    description:
      'Age of the oldest of them; null when there is none. Where more than 256 topics were read differently far, lag and age may be too great, never too small.',
  }),
  pending: count('Of these: read and not acknowledged.'),
  leased: count('Of these: leased now.'),
  deadLetters: count('Beside these: messages given up.'),
});
const pageQuery = Type.Object({
  after: Type.Optional(
    Type.String({ maxLength: 255, description: 'The last client id of the answer before.' }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxListed,
      default: maxListed,
      description: 'An answer with fewer is the last one.',
    }),
  ),
});
const optionsBody = Type.Object(
  {
    maxDeliveries: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: defaultClientOptions.maxDeliveries }),
    ),
  },
  { examples: [{ maxDeliveries: 5 }] },
);
const seekBody = Type.Object(
  {
    to: Type.String({
      maxLength: 64,
      description: '`beginning`, `end`, or an ISO-8601 instant with an offset that is not in the future.',
    }),
  },
  { examples: [{ to: 'beginning' }, { to: '2026-01-31T12:00:00Z' }] },
);
const done = Type.Object({
  returnCode: Type.Literal('00'),
  returnMessage: Type.Literal('Success'),
  timestamp: Type.String({ description: 'ISO 8601.' }),
});

export function clientAdministrationRoutes(dependencies: ClientAdministrationDependencies): readonly Route[] {
  const { clients, clientIds, cursors, states, clock } = dependencies;
  const success = (): Reply => ({
    json: { returnCode: '00', returnMessage: 'Success', timestamp: new Date(clock()).toISOString() },
  });
  const describe = async (did: string, clientId: string, options: ClientOptions) => ({
    clientId,
    ...options,
    ...(await states.of(didMailbox(did), clientId)),
  });
  return [
    route({
      method: 'GET',
      path: 'clients',
      operationId: 'listClients',
      summary: 'List the caller’s client ids with what each has before it',
      tag,
      access: 'participant',
      query: pageQuery,
      responses: { 200: { description: 'Sorted by client id.', schema: Type.Array(clientSchema) } },
      problems: ['message-store-unavailable'],
      handle: async ({ caller: { did }, query: { after, limit = maxListed } }) => {
        const all = await clients.list(did);
        const page = all.filter((clientId) => after === undefined || clientId > after).slice(0, limit);
        const [listed, options] = await Promise.all([
          states.ofAll(didMailbox(did), page),
          mapConcurrently(page, concurrentOptions, (clientId) => clients.find(did, clientId)),
        ]);
        return {
          json: listed.map((state, index) => ({
            clientId: page[index],
            ...(options[index] ?? defaultClientOptions),
            ...state,
          })),
        };
      },
    }),
    route({
      method: 'GET',
      path: 'clients/{clientId}',
      operationId: 'getClient',
      summary: 'Tell what one client id has before it',
      tag,
      access: 'participant',
      params,
      responses: { 200: { description: 'The client id.', schema: clientSchema } },
      problems,
      handle: async ({ caller: { did }, params: { clientId } }) => ({
        json: await describe(did, clientId, await knownClient(clients, did, clientId)),
      }),
    }),
    route({
      method: 'PUT',
      path: 'clients/{clientId}',
      operationId: 'putClient',
      summary: 'Create a client id, or change its options',
      tag,
      access: 'participant',
      params,
      body: optionsBody,
      bodyOptional: true,
      responses: { 200: { description: 'The client id.', schema: clientSchema } },
      problems: ['limit-reached', 'message-store-unavailable'],
      handle: async ({ caller: { did }, params: { clientId }, body }) => {
        const { maxDeliveries } = (await clients.find(did, clientId)) ?? defaultClientOptions;
        const options = { maxDeliveries: body.maxDeliveries ?? maxDeliveries };
        await clients.put(did, clientId, options);
        return { json: await describe(did, clientId, options) };
      },
    }),
    route({
      method: 'DELETE',
      path: 'clients/{clientId}',
      operationId: 'removeClient',
      summary: 'Remove a client id with its cursors; its messages stay for the others',
      tag,
      access: 'participant',
      params,
      responses: { 200: { description: 'Done.', schema: done } },
      problems,
      handle: async ({ caller: { did }, params: { clientId } }) => {
        await knownClient(clients, did, clientId);
        await clientIds.remove(did, [clientId]);
        return success();
      },
    }),
    route({
      method: 'POST',
      path: 'clients/{clientId}/seek',
      operationId: 'seekClient',
      summary: 'Read again from an earlier time, or skip; leases and dead letters of this client id end',
      tag,
      access: 'participant',
      params,
      body: seekBody,
      responses: { 200: { description: 'Done; no other client id notices.', schema: done } },
      problems: [...problems, 'cursor-contended'],
      handle: async ({ caller: { did }, params: { clientId }, body: { to } }) => {
        await knownClient(clients, did, clientId);
        await cursors.seek(didMailbox(did), clientId, await placeOf(to, dependencies.now));
        return success();
      },
    }),
    ...deadLetterRoutes(dependencies),
  ];
}

/** @throws BrokerError `invalid-parameters` for what is no place, or lies in the future */
async function placeOf(to: string, now: () => Promise<number>): Promise<SeekPlace> {
  if (to === 'beginning' || to === 'end') return to;
  const instant = parseInstant(to);
  if (!instant) {
    throw invalidParameter('to', 'must be beginning, end, or an ISO-8601 instant with an offset');
  }
  if (instant.fromMs > (await now())) throw invalidParameter('to', 'lies in the future; use end');
  return { fromMs: instant.fromMs };
}
