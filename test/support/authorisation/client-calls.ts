// Calls of the authorisation matrix about client ids and leases. A lease is tried by everybody under a client id that
// everybody has, so that the token alone decides.

import { randomBytes } from 'node:crypto';
import type { BrokerAnswer } from '../broker';
import { send } from '../broker-messages';
import type { AuthorisedCall } from './calls';

const anybodys = ['own', 'other’s', 'missing'] as const;
const object = 'client id';

const holds = (text: string, yes: string, no: string) => (answer: BrokerAnswer) =>
  answer.text.includes(text) ? yes : no;

const settle = (action: string): AuthorisedCall => ({
  object: 'lease',
  whose: anybodys,
  prepare: async (world, whose) => {
    const { clientId, leaseToken } = await world.lease(whose);
    return {
      path: `/clients/${clientId}/${action}`,
      body: { leaseTokens: [leaseToken] },
      outcome: holds(`"succeeded":["${leaseToken}"]`, 'settled', 'refused'),
    };
  },
});

const ofClientId = (suffix: string, body?: object): AuthorisedCall => ({
  object,
  whose: anybodys,
  prepare: async (world, whose) => ({
    path: `/clients/${await world.clientId(whose)}${suffix}`,
    ...(body === undefined ? {} : { body }),
  }),
});

export const clientCalls: Readonly<Record<string, AuthorisedCall>> = {
  receiveMessages: {
    object: 'message',
    whose: ['own'],
    prepare: async (world) => {
      const id = await send(world.recipient, world.owner, await world.topic('own'));
      const clientId = randomBytes(6).toString('hex');
      return {
        path: `/clients/${clientId}/receive`,
        body: { max: 500 },
        outcome: holds(id, 'found', 'not found'),
      };
    },
  },
  acknowledgeLeases: settle('acknowledge'),
  releaseMessages: settle('release'),
  rejectMessages: settle('reject'),
  renewMessages: settle('renew'),
  listClients: {
    object,
    whose: ['own', 'other’s'],
    prepare: async (world, whose) => ({
      path: '/clients',
      outcome: holds(await world.clientId(whose), 'listed', 'not listed'),
    }),
  },
  getClient: ofClientId(''),
  putClient: {
    object,
    whose: anybodys,
    prepare: async (world, whose) => {
      const path = `/clients/${await world.clientId(whose)}`;
      return {
        path,
        body: { maxDeliveries: 3 },
        outcome: async () => {
          const owned = await world.ownerOf(whose)?.request('GET', path);
          if (!owned) return 'created';
          return owned.text.includes('"maxDeliveries":3') ? 'changed' : 'created beside it';
        },
      };
    },
  },
  removeClient: ofClientId(''),
  seekClient: ofClientId('/seek', { to: 'beginning' }),
  listDeadLetters: ofClientId('/dead-letters'),
  redriveDeadLetters: ofClientId('/dead-letters/redrive'),
  deleteDeadLetters: ofClientId('/dead-letters'),
};
