// Dead letters of a client id: messages that its readers have given up (contract §7).

import { Type } from '@sinclair/typebox';
import { type Route, route } from '../shared/http/route';
import { mapInPortions } from '../shared/map-in-portions';
import {
  didMailbox,
  type ClientCursorAdministration,
  type ClientRegistry,
  type DeadLetter,
  type Mailbox,
  mailboxToken,
  type MessageIds,
  type MessageLog,
  type SealingContext,
} from '../shared/messages';
import { knownClient } from './known-client';
import { clientIdSchema } from './messages';

export interface DeadLetterDependencies {
  readonly clients: Pick<ClientRegistry, 'find'>;
  readonly cursors: ClientCursorAdministration;
  readonly messageLog: Pick<MessageLog, 'generation'>;
  readonly messageIds: MessageIds;
}

const tag = 'Clients';
const params = Type.Object({ clientId: clientIdSchema });
const problems = ['not-found', 'message-store-unavailable'] as const;

const lettersBody = Type.Object(
  {
    messageIds: Type.Optional(
      Type.Array(Type.String({ maxLength: 255 }), { maxItems: 20_000, description: 'Absent: all.' }),
    ),
  },
  { examples: [{}, { messageIds: ['4700c5254af6ba18bc6b6bfe'] }] },
);
const messageIds = Type.Array(Type.String({ description: '24 lower-case hex characters.' }));
const deadLetterSchema = Type.Object({
  messageId: Type.String(),
  topicId: Type.String(),
  reason: Type.String({ description: 'What the reader said, or `max-deliveries`.' }),
  deliveryCount: Type.Integer(),
  deadAt: Type.String({ description: 'ISO 8601.' }),
  endsAt: Type.String({ description: 'When the message and with it the dead letter ends. ISO 8601.' }),
});
export function deadLetterRoutes({
  clients,
  cursors,
  messageLog,
  messageIds: ids,
}: DeadLetterDependencies): readonly Route[] {
  const contextOf = async (mailbox: Mailbox) => ({
    mailbox: mailboxToken(mailbox),
    generation: await messageLog.generation(mailbox),
  });
  /** As search, receive and the sender have it. */
  const idOf = ({ seq, keyNumber }: Pick<DeadLetter, 'seq' | 'keyNumber'>, context: SealingContext): string =>
    ids.seal(seq, context, keyNumber ?? ids.currentKey);
  /** Carries out a change of some dead letters, and says which ids it has met and which are none. */
  const change = async (
    did: string,
    clientId: string,
    chosen: readonly string[] | undefined,
    name: 'redrive' | 'removeDeadLetters',
  ) => {
    await knownClient(clients, did, clientId);
    const mailbox = didMailbox(did);
    const context = await contextOf(mailbox);
    const seqOf = chosen && (await ids.openAll(chosen, context));
    const seqs = seqOf && new Set([...seqOf.values()].filter((seq) => seq !== undefined));
    const met = await cursors[name](mailbox, clientId, seqs ?? null);
    if (seqOf) return Map.groupBy(seqOf.keys(), (id) => met.has(seqOf.get(id) ?? -1));
    const all = await mapInPortions([...met.values()], (letter) => idOf(letter, context));
    return new Map([[true, all]]);
  };
  return [
    route({
      method: 'GET',
      path: 'clients/{clientId}/dead-letters',
      operationId: 'listDeadLetters',
      summary: 'List the messages that this client id has given up, oldest first',
      tag,
      access: 'participant',
      params,
      responses: {
        200: {
          description: 'At most 20,000 a cursor; each ends with its message.',
          schema: Type.Array(deadLetterSchema),
        },
      },
      problems,
      handle: async ({ caller: { did }, params: { clientId } }) => {
        await knownClient(clients, did, clientId);
        const mailbox = didMailbox(did);
        const context = await contextOf(mailbox);
        const letters = await cursors.deadLetters(mailbox, clientId);
        return {
          json: await mapInPortions(
            letters,
            ({ seq, keyNumber, topic, deliveries, endsAtSeconds, dead }) => ({
              messageId: idOf({ seq, keyNumber }, context),
              topicId: topic,
              reason: dead.reason,
              deliveryCount: deliveries,
              deadAt: new Date(dead.atMs).toISOString(),
              endsAt: new Date(endsAtSeconds * 1_000).toISOString(),
            }),
          ),
        };
      },
    }),
    route({
      method: 'POST',
      path: 'clients/{clientId}/dead-letters/redrive',
      operationId: 'redriveDeadLetters',
      summary: 'Deliver dead letters again, some or all, with a new count',
      tag,
      access: 'participant',
      params,
      body: lettersBody,
      bodyOptional: true,
      responses: {
        200: {
          description:
            'Those that are deliverable again, and those that are no dead letters (or wait for room, or for a cursor that others change).',
          schema: Type.Object({ redriven: messageIds, notFound: messageIds }),
        },
      },
      problems: [...problems, 'cursor-contended'],
      handle: async ({ caller: { did }, params: { clientId }, body }) => {
        const groups = await change(did, clientId, body.messageIds, 'redrive');
        return { json: { redriven: groups.get(true) ?? [], notFound: groups.get(false) ?? [] } };
      },
    }),
    route({
      method: 'DELETE',
      path: 'clients/{clientId}/dead-letters',
      operationId: 'deleteDeadLetters',
      summary: 'Delete dead letters, some or all; they count as acknowledged',
      tag,
      access: 'participant',
      params,
      body: lettersBody,
      bodyOptional: true,
      responses: {
        200: {
          description:
            'Those that are gone, and those that are no dead letters (or wait for a cursor that others change).',
          schema: Type.Object({ deleted: messageIds, notFound: messageIds }),
        },
      },
      problems: [...problems, 'cursor-contended'],
      handle: async ({ caller: { did }, params: { clientId }, body }) => {
        const groups = await change(did, clientId, body.messageIds, 'removeDeadLetters');
        return { json: { deleted: groups.get(true) ?? [], notFound: groups.get(false) ?? [] } };
      },
    }),
  ];
}
