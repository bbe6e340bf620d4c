// Calls of the authorisation matrix about messages, keys, channels and client ids: what belongs to a mailbox or to a
// participant. Where everybody gets a 200, its outcome says whether the caller got at the owner's things.

import { randomBytes, randomUUID } from 'node:crypto';
import type { BrokerAnswer } from '../broker';
import { messageTo, send } from '../broker-messages';
import type { AuthorisedCall, PreparedCall } from './calls';
import type { Whose, World } from './world';

const anybodys = ['own', 'other’s', 'missing'] as const;

const holds = (text: string, yes: string, no: string) => (answer: BrokerAnswer) =>
  answer.text.includes(text) ? yes : no;

/** A search or acknowledgement of an anonymous mailbox. */
const ofKey = async (world: World, whose: Whose, path: string, fields: object): Promise<PreparedCall> => ({
  path,
  body: { clientId: 'reader', anonymousRecipient: await world.anonymousKey(whose), ...fields },
});

const removeNamed = (path: string): AuthorisedCall => ({
  object: 'anonymous key',
  whose: anybodys,
  prepare: async (world, whose) => ({ path: `${path}/${await world.anonymousKey(whose)}` }),
});

export const mailboxCalls: Readonly<Record<string, AuthorisedCall>> = {
  publishMessage: {
    object: 'topic',
    whose: anybodys,
    prepare: async (world, whose) => ({
      path: '/messages',
      body: messageTo([world.recipient.did], await world.topic(whose)),
    }),
  },
  publishBatch: {
    object: 'topic',
    whose: anybodys,
    prepare: async (world, whose) => ({
      path: '/messages/batch',
      body: { messages: [messageTo([world.recipient.did], await world.topic(whose))] },
      outcome: holds('"status":200', 'sent', 'refused'),
    }),
  },
  searchMessages: {
    object: 'anonymous key',
    whose: ['–', ...anybodys],
    prepare: async (world, whose) => {
      if (whose !== '–') return ofKey(world, whose, '/messages/search', {});
      const id = await send(world.owner, world.recipient, await world.topic('own'));
      const clientId = randomBytes(6).toString('hex');
      return {
        path: '/messages/search',
        body: { clientId, amount: 20_000 },
        outcome: holds(id, 'found', 'not found'),
      };
    },
  },
  acknowledgeMessages: {
    object: 'anonymous key',
    whose: ['–', ...anybodys],
    prepare: async (world, whose) => {
      if (whose !== '–') return ofKey(world, whose, '/messages/ack', { messageIds: [] });
      const id = await send(world.owner, world.recipient, await world.topic('own'));
      const clientId = randomBytes(6).toString('hex');
      await world.recipient.request('POST', '/messages/search', { clientId, amount: 20_000 });
      return {
        path: '/messages/ack',
        body: { clientId, messageIds: [id] },
        outcome: holds(`"acked":["${id}"]`, 'acked', 'not found'),
      };
    },
  },
  sendKey: {
    object: 'recipient',
    whose: ['own', 'missing'],
    prepare: (world, whose) => ({
      path: '/messages/internal',
      body: {
        fqcn: whose === 'own' ? world.owner.did : 'did:ethr:volta:0x0000000000000000000000000000000000000001',
        clientGatewayMessageId: randomUUID(),
        payload: 'key',
      },
    }),
  },
  searchKeys: {
    object: 'key',
    whose: ['own'],
    prepare: async (world) => {
      const payload = randomUUID();
      const key = { fqcn: world.owner.did, clientGatewayMessageId: randomUUID(), payload };
      await world.recipient.request('POST', '/messages/internal', key);
      return { path: '/messages/internal/search', body: {}, outcome: holds(payload, 'found', 'not found') };
    },
  },
  getMessageStatus: {
    object: 'message',
    whose: anybodys,
    prepare: async (world, whose) => {
      const { id, recipientDid } = await world.message(whose);
      return { path: `/messages/${id}/status?recipient=${encodeURIComponent(recipientDid)}` };
    },
  },
  getMailbox: { whose: ['–'], prepare: () => ({ path: '/mailbox' }) },
  putMailbox: {
    object: 'mailbox',
    whose: ['own'],
    prepare: async (world) => {
      await world.owner.request('PUT', '/mailbox', { readReceipts: false });
      return {
        path: '/mailbox',
        body: { readReceipts: true },
        outcome: async () => {
          const owned = await world.owner.request('GET', '/mailbox');
          return owned.text.includes('true') ? 'changed' : 'kept';
        },
      };
    },
  },
  readReceipts: { whose: ['–'], prepare: () => ({ path: '/receipts' }) },
  registerParticipant: {
    object: 'anonymous key',
    whose: anybodys,
    prepare: async (world, whose) => ({
      path: '/channel/initExtChannel',
      body: { anonymousKeys: [{ anonymousKey: await world.anonymousKey(whose) }] },
      outcome: holds('"Success"', 'Success', 'Fail'),
    }),
  },
  listClientIds: {
    object: 'client id',
    whose: ['own', 'other’s'],
    prepare: async (world, whose) => ({
      path: '/channel/clientIds',
      outcome: holds(await world.clientId(whose), 'listed', 'not listed'),
    }),
  },
  deleteClientIds: {
    object: 'client id',
    whose: anybodys,
    prepare: async (world, whose) => {
      const clientId = await world.clientId(whose);
      return {
        path: '/channel/clientIds',
        body: { clientIds: [clientId] },
        outcome: async () => {
          const left = await world.ownerOf(whose)?.request('GET', '/channel/clientIds');
          return left?.text.includes(clientId) ? 'kept' : 'gone';
        },
      };
    },
  },
  deleteClientId: removeNamed('/channel/clientIds'),
  deleteStream: removeNamed('/channel/stream'),
  listChannels: {
    object: 'channel',
    whose: ['own', 'other’s'],
    prepare: async (world, whose) => ({
      path: '/channels',
      outcome: holds(await world.channel(whose), 'listed', 'not listed'),
    }),
  },
  getChannel: {
    object: 'channel',
    whose: anybodys,
    prepare: async (world, whose) => ({ path: `/channels/${await world.channel(whose)}` }),
  },
  putChannel: {
    object: 'channel',
    whose: anybodys,
    prepare: async (world, whose) => {
      const name = await world.channel(whose);
      return {
        path: `/channels/${name}`,
        body: { type: 'upload' },
        outcome: async () => {
          const owned = await world.ownerOf(whose)?.request('GET', `/channels/${name}`);
          if (!owned) return 'created';
          return owned.text.includes('"upload"') ? 'changed' : 'created beside it';
        },
      };
    },
  },
  deleteChannel: {
    object: 'channel',
    whose: anybodys,
    prepare: async (world, whose) => ({ path: `/channels/${await world.channel(whose)}` }),
  },
};
