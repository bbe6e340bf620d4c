// Publishing, searching and acknowledging as tests do it: defaults for every field, and the answer's body, or an
// error that shows the answer when it was not 200.

import { randomBytes, randomUUID } from 'node:crypto';
import { type BrokerAnswer, type Participant, topicOwner } from './broker';

export interface PublishAnswer {
  readonly clientGatewayMessageId: string;
  readonly did: string;
  readonly recipients: { readonly total: number; readonly sent: number; readonly failed: number };
  readonly status: readonly {
    readonly name: 'SENT' | 'FAILED';
    readonly details: readonly {
      readonly did: string;
      readonly messageId?: string;
      readonly statusCode: number;
      readonly err?: { readonly code: string; readonly reason: string };
    }[];
  }[];
}

export interface FoundMessage {
  readonly messageId: string;
  readonly timestampNanos: number;
  readonly fqcn: string;
  readonly topicId: string;
  readonly topicVersion: string;
  readonly transactionId?: string;
  readonly signature: string;
  readonly payload: string;
  readonly senderDid: string;
  readonly payloadEncryption: boolean;
  readonly isFile: boolean;
  readonly clientGatewayMessageId: string;
  readonly initiatingMessageId?: string;
  readonly initiatingTransactionId?: string;
  readonly topicRestrictions?: string;
}

export interface AcknowledgeAnswer {
  readonly acked: readonly string[];
  readonly notFound: readonly string[];
}

/** A problem as RFC 9457 and the first generation have it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly code: string;
  readonly returnCode: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

export type Fields = Readonly<Record<string, unknown>>;

/** A schema that takes any JSON. */
const anything = '{}';

/** Creates a topic of version 1.0.0. @returns its id */
export async function createTopic(creator: Participant, schema = anything): Promise<string> {
  const answer = await creator.request<{ id: string }>('POST', '/topics', {
    name: `topic-${randomBytes(6).toString('hex')}`,
    owner: topicOwner,
    schemaType: 'JSD7',
    schema,
    version: '1.0.0',
    tags: [],
  });
  return requireOk(answer).id;
}

/** An encrypted message of no meaning; `fields` replace or add. */
export function messageTo(recipients: readonly string[], topicId: string, fields: Fields = {}): Fields {
  return {
    fqcns: recipients,
    topicId,
    topicVersion: '1.0.0',
    payload: 'opaque',
    payloadEncryption: true,
    signature: 'signature',
    clientGatewayMessageId: randomUUID(),
    ...fields,
  };
}

export async function publish(sender: Participant, message: Fields): Promise<PublishAnswer> {
  return requireOk(await sender.request<PublishAnswer>('POST', '/messages', message));
}

/** Sends to one recipient. @returns the message's id @throws Error when it was not sent */
export async function send(
  sender: Participant,
  recipient: Participant,
  topicId: string,
  fields: Fields = {},
): Promise<string> {
  const answer = await publish(sender, messageTo([recipient.did], topicId, fields));
  const id = sentIds(answer)[0];
  if (id === undefined) throw new Error(`not sent: ${JSON.stringify(answer)}`);
  return id;
}

export function sentIds({ status }: PublishAnswer): readonly string[] {
  return status
    .filter(({ name }) => name === 'SENT')
    .flatMap(({ details }) => details.flatMap(({ messageId }) => messageId ?? []));
}

export function failures({ status }: PublishAnswer): PublishAnswer['status'][number]['details'] {
  return status.filter(({ name }) => name === 'FAILED').flatMap(({ details }) => details);
}

export async function search(reader: Participant, fields: Fields = {}): Promise<readonly FoundMessage[]> {
  return requireOk(
    await reader.request<readonly FoundMessage[]>('POST', '/messages/search', {
      clientId: 'reader',
      amount: 100,
      ...fields,
    }),
  );
}

export async function acknowledge(
  reader: Participant,
  messageIds: readonly string[],
  fields: Fields = {},
): Promise<AcknowledgeAnswer> {
  return requireOk(
    await reader.request<AcknowledgeAnswer>('POST', '/messages/ack', {
      clientId: 'reader',
      messageIds,
      ...fields,
    }),
  );
}

export const idsOf = (messages: readonly FoundMessage[]): readonly string[] =>
  messages.map(({ messageId }) => messageId);
export const payloadsOf = (messages: readonly FoundMessage[]): readonly string[] =>
  messages.map(({ payload }) => payload);

function requireOk<Body>(answer: BrokerAnswer<Body>): Body {
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.text.slice(0, 1_000)}`);
  return answer.body;
}
