// The answer of every route that sends: messages and files.

import { type Static, Type } from '@sinclair/typebox';
import type { RecipientOutcome } from '../shared/messages';
import { deprecationHeaders, type TopicCatalog } from '../shared/topics';

/** What became of something that was sent, recipient by recipient (contract §3). */
export const publishAnswer = Type.Object({
  clientGatewayMessageId: Type.String(),
  did: Type.String(),
  recipients: Type.Object({ total: Type.Integer(), sent: Type.Integer(), failed: Type.Integer() }),
  status: Type.Array(
    Type.Union([
      Type.Object({
        name: Type.Literal('SENT'),
        details: Type.Array(
          Type.Object({
            did: Type.String(),
            messageId: Type.String({ description: '24 lower-case hex characters.' }),
            statusCode: Type.Literal(200),
          }),
        ),
      }),
      Type.Object({
        name: Type.Literal('FAILED'),
        details: Type.Array(
          Type.Object({
            did: Type.String(),
            statusCode: Type.Literal(400),
            err: Type.Object({ code: Type.String(), reason: Type.String() }),
          }),
        ),
      }),
    ]),
  ),
});

/** The answer to whatever sends: an entry is present only when it has details. */
export function toPublishAnswer(
  did: string,
  clientGatewayMessageId: string,
  outcomes: readonly RecipientOutcome[],
): Static<typeof publishAnswer> {
  const sent = outcomes.flatMap((outcome) =>
    'messageId' in outcome
      ? [{ did: outcome.recipient, messageId: outcome.messageId, statusCode: 200 as const }]
      : [],
  );
  const failed = outcomes.flatMap((outcome) =>
    'code' in outcome
      ? [
          {
            did: outcome.recipient,
            statusCode: 400 as const,
            err: { code: outcome.code, reason: outcome.reason },
          },
        ]
      : [],
  );
  return {
    clientGatewayMessageId,
    did,
    recipients: { total: outcomes.length, sent: sent.length, failed: failed.length },
    status: [
      ...(sent.length ? [{ name: 'SENT' as const, details: sent }] : []),
      ...(failed.length ? [{ name: 'FAILED' as const, details: failed }] : []),
    ],
  };
}

/** Whether another try may bring more. */
export function isTransient(outcomes: readonly RecipientOutcome[]): boolean {
  return outcomes.some((outcome) => 'isTransient' in outcome);
}

/** `Deprecation` and `Sunset` of what was sent to a deprecated version. Never rejects: what is sent is sent. */
export async function deprecationHeadersOf(
  catalog: Pick<TopicCatalog, 'find'>,
  { topicId, topicVersion }: { readonly topicId: string; readonly topicVersion: string },
): Promise<Readonly<Record<string, string>>> {
  const topic = await catalog.find(topicId).catch(() => undefined);
  return deprecationHeaders(topic?.versions.get(topicVersion)?.deprecation);
}

/** For the description of an answer. */
export const deprecationNote =
  'Of a deprecated version with the headers Deprecation (RFC 9745) and Sunset (RFC 8594).';
