// What a participant decides about its own mailbox (contract §7). There is no parameter that names another's.

import { Type } from '@sinclair/typebox';
import { type Route, route } from '../shared/http/route';
import type { ParticipantDirectory } from '../shared/identity';
import type { MailboxOptionsStore } from '../shared/messages';

export interface MailboxRoutesDependencies {
  readonly participants: Pick<ParticipantDirectory, 'register'>;
  readonly mailboxOptions: Pick<MailboxOptionsStore, 'read' | 'replace'>;
}

const tag = 'Messages';

const options = Type.Object(
  {
    readReceipts: Type.Boolean({
      description:
        'True: senders are told when a message of theirs is delivered to you, when you acknowledge it and when you reject it, with your reason. Off at first.',
    }),
  },
  { examples: [{ readReceipts: true }] },
);

export function mailboxRoutes({ participants, mailboxOptions }: MailboxRoutesDependencies): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: 'mailbox',
      operationId: 'getMailbox',
      summary: 'Read what the caller has decided about its mailbox',
      tag,
      access: 'participant',
      responses: { 200: { description: 'The options.', schema: options } },
      problems: ['message-store-unavailable'],
      handle: async ({ caller }) => ({ json: await mailboxOptions.read(caller.did) }),
    }),
    route({
      method: 'PUT',
      path: 'mailbox',
      operationId: 'putMailbox',
      summary: 'Decide about the caller’s own mailbox; counts everywhere within two seconds',
      tag,
      access: 'participant',
      body: options,
      responses: { 200: { description: 'The options as they are kept.', schema: options } },
      problems: ['message-store-unavailable'],
      handle: async ({ caller, body: { readReceipts } }) => {
        // Who decides about its mailbox has one.
        await participants.register(caller.did, caller.roles, caller.issuedAtMs ?? 0);
        await mailboxOptions.replace(caller.did, { readReceipts });
        return { json: { readReceipts } };
      },
    }),
  ];
}
