// What a sender learns of its messages: their state, and receipts of their end (contract §7).

import { Type } from '@sinclair/typebox';
import { type Route, route } from '../shared/http/route';
import { messageStatuses, type Receipts } from '../shared/messages';

export interface ReceiptRoutesDependencies {
  readonly receipts: Receipts;
}

const receipt = Type.Object({
  messageId: Type.String(),
  recipient: Type.String({ description: 'As the sender named it.' }),
  outcome: Type.Union(
    (['expired', 'acknowledged', 'rejected'] as const).map((outcome) => Type.Literal(outcome)),
    {
      description:
        'acknowledged and rejected where the recipient has opted in: by the first of its client ids that did so.',
    },
  ),
  reason: Type.Optional(Type.String({ description: 'Of a rejection.' })),
  at: Type.String({ description: 'Instant of the outcome, ISO-8601.' }),
});

export function receiptRoutes({ receipts }: ReceiptRoutesDependencies): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: 'receipts',
      operationId: 'readReceipts',
      summary: 'Receipts of the caller’s messages, oldest first; poll with next',
      tag: 'Messages',
      access: 'participant',
      query: Type.Object({
        after: Type.Optional(Type.String({ maxLength: 100, description: '`next` of the answer before.' })),
      }),
      responses: {
        200: {
          description: 'At most 1,000 receipts, and the position behind them, also of an empty page',
          schema: Type.Object({ receipts: Type.Array(receipt), next: Type.String() }),
        },
      },
      problems: ['message-store-unavailable'],
      handle: async ({ caller, query }) => ({ json: await receipts.read(caller.did, query.after) }),
    }),
    route({
      method: 'GET',
      path: 'messages/{messageId}/status',
      operationId: 'getMessageStatus',
      summary: 'State of a message, for its sender',
      tag: 'Messages',
      access: 'participant',
      params: Type.Object({ messageId: Type.String({ maxLength: 200 }) }),
      query: Type.Object({ recipient: Type.String({ minLength: 1, maxLength: 255 }) }),
      responses: {
        200: {
          description:
            'Its state. Beyond stored and expired only where the recipient has opted in: delivered to one of its client ids, acknowledged by one, or rejected by one and acknowledged by none.',
          schema: Type.Object({ status: Type.Union(messageStatuses.map((status) => Type.Literal(status))) }),
        },
      },
      problems: ['not-found', 'message-store-unavailable'],
      handle: async ({ caller, params, query }) => ({
        json: {
          status: await receipts.status(caller.did, params.messageId, query.recipient),
        },
      }),
    }),
  ];
}
