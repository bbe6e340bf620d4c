// Key messages: how gateways hand each other the encrypted keys of their messages (contract §3, internal).

import { Type } from '@sinclair/typebox';
import { type Route, route } from '../shared/http/route';
import { type KeyMessages, printMessages } from '../shared/messages';
import { messageSchema } from './messages';
import { requireWellFormed } from './sending';

export interface KeyRoutesDependencies {
  readonly keyMessages: KeyMessages;
}

const tag = 'Messages';

const sendBody = Type.Object(
  {
    fqcn: Type.String({ description: 'DID of the recipient.', maxLength: 200 }),
    clientGatewayMessageId: Type.String({
      description: 'That of the message which the key opens.',
      minLength: 1,
      maxLength: 200,
    }),
    payload: Type.String({
      description: 'The key, encrypted for the recipient. Comes back byte for byte.',
      maxLength: 16_384,
    }),
  },
  {
    examples: [
      {
        fqcn: 'did:ethr:volta:0x5b38da6a701c568545dcfcb03fcb875f56beddc4',
        clientGatewayMessageId: '3f0c1b0e-0c5e-4a57-8f5c-2b6f1d9b7a11',
        payload: 'a symmetric key, encrypted with the recipient’s public key',
      },
    ],
  },
);

const searchBody = Type.Object(
  {
    clientId: Type.Optional(
      Type.String({ description: 'Each client id reads for itself.', pattern: '^[A-Za-z0-9:.>*_-]{0,255}$' }),
    ),
    amount: Type.Optional(
      Type.Integer({
        description: 'A wish: more are returned rather than any left behind.',
        minimum: 1,
        maximum: 20_000,
      }),
    ),
  },
  { examples: [{ clientId: 'my-reader', amount: 100 }] },
);

export function keyRoutes({ keyMessages }: KeyRoutesDependencies): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: 'messages/internal',
      operationId: 'sendKey',
      summary: 'Send an encrypted key to a participant, before the message that it opens',
      tag,
      access: 'participant',
      body: sendBody,
      idempotency: {},
      responses: {
        200: { description: 'Stored.', schema: Type.Object({ messageId: Type.String() }) },
      },
      problems: [
        'recipient-not-found',
        'illegal-argument',
        'message-store-unavailable',
        'message-store-full',
      ],
      handle: async ({ caller, body, attempt }) => {
        requireWellFormed(body);
        const { fqcn, clientGatewayMessageId, payload } = body;
        const messageId = await keyMessages.send({
          sender: caller,
          recipient: fqcn,
          clientGatewayMessageId,
          payload,
          attempt,
        });
        return { json: { messageId } };
      },
    }),
    route({
      method: 'POST',
      path: 'messages/internal/search',
      operationId: 'searchKeys',
      summary:
        'Read the keys sent to the caller; each is repeated for a minute or more, there is nothing to acknowledge',
      tag,
      access: 'participant',
      bodyOptional: true,
      body: searchBody,
      responses: {
        200: { description: 'The keys, oldest first.', schema: Type.Array(messageSchema) },
      },
      problems: ['limit-reached', 'message-store-unavailable'],
      handle: async ({ caller, body }) => ({
        body: printMessages(await keyMessages.search(caller.did, body.clientId ?? '')),
      }),
    }),
  ];
}
