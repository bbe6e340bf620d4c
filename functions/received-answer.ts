// The answer to a receive: each message with its lease, by joining the bytes that are stored.

import { Type } from '@sinclair/typebox';
import {
  type ClaimChecks,
  type LeasedMessage,
  type LeaseTokens,
  mailboxToken,
  type MessageIds,
  type MessageLog,
  type PayloadLinks,
  printLeases,
  type ReceiveRequest,
  referToPayloads,
} from '../shared/messages';
import { messageSchema } from './messages';

export interface ReceivedAnswerDependencies {
  readonly leaseTokens: LeaseTokens;
  readonly messageLog: Pick<MessageLog, 'generation'>;
  readonly messageIds: MessageIds;
  readonly claimChecks: Pick<ClaimChecks, 'redeem'>;
  readonly payloadLinks: PayloadLinks;
  readonly clock: () => number;
}

export const leaseTokenSchema = Type.String({
  description: 'Opaque; counts for this participant and client id only.',
});
const instant = Type.String({ description: 'ISO 8601.' });
const { payload, ...otherFields } = messageSchema.properties;
const receivedMessage = Type.Object({
  ...otherFields,
  payload: Type.Optional(payload),
  payloadReference: Type.Optional(
    Type.Object(
      {
        url: Type.String({ description: 'To be read by GET; it ends soon and is never logged.' }),
        expiresAt: instant,
        length: Type.Integer({ description: 'Bytes of the payload as a JSON string.' }),
        sha256: Type.String({ description: 'Of those bytes, in hex.' }),
      },
      { description: 'In place of a payload beyond 2 MiB, unless inline is asked for.' },
    ),
  ),
});
export const receivedSchema = Type.Object({
  messages: Type.Array(
    Type.Object({
      leaseToken: leaseTokenSchema,
      deliveryCount: Type.Integer({ description: 'Leases of this message so far, this one included.' }),
      leaseExpiresAt: instant,
      message: receivedMessage,
    }),
  ),
});

/** A token for each leased message, by sequence. */
export async function signAll(
  { mailbox, clientId, from }: ReceiveRequest,
  messages: readonly LeasedMessage[],
  { messageLog, leaseTokens }: Pick<ReceivedAnswerDependencies, 'messageLog' | 'leaseTokens'>,
): Promise<ReadonlyMap<number, string>> {
  const generation = await messageLog.generation(mailbox);
  const context = { mailbox: mailboxToken(mailbox), generation, clientId };
  return new Map(
    messages.map(({ seq, grant, message }) => [
      seq,
      leaseTokens.sign({ seq, grant, from: from?.canonical ?? '' }, context, message.keyNumber),
    ]),
  );
}

export async function printReceived(
  { mailbox }: ReceiveRequest,
  leased: readonly LeasedMessage[],
  tokens: ReadonlyMap<number, string>,
  inline: boolean,
  { messageLog, messageIds, claimChecks, payloadLinks, clock }: ReceivedAnswerDependencies,
): Promise<Buffer> {
  const context = { mailbox: mailboxToken(mailbox), generation: await messageLog.generation(mailbox) };
  const stored = leased.map(({ message }) => message);
  const references = inline ? undefined : await referToPayloads(payloadLinks, stored, clock());
  const bySeq = new Map(leased.map((one) => [one.seq, one]));
  return printLeases(
    (inline ? await claimChecks.redeem(stored) : stored).flatMap(({ seq, keyNumber, ...message }) => {
      const one = bySeq.get(seq);
      return one
        ? [
            {
              leaseToken: tokens.get(seq) ?? '',
              deliveryCount: one.deliveries,
              leaseExpiresAt: toIso(one.leaseUntilMs),
              message: { ...message, messageId: messageIds.seal(seq, context, keyNumber) },
              payloadReference: references?.get(seq),
            },
          ]
        : [];
    }),
  );
}

const toIso = (timeMs: number): string => new Date(timeMs).toISOString();
