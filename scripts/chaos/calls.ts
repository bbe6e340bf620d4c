// The calls of a chaos run, each written into its history.

import { digestOf, payloadOf } from './payload';
import type { Answer } from './chaos-client';
import type { Acknowledged, Call, Delivered, Published, PublishOutcome, Received, Settled } from './history';
import type { Repetition } from './plan';
import type { OpenCursor, Scene } from './scene';

interface PublishAnswer {
  readonly status: readonly {
    readonly name: 'SENT' | 'FAILED';
    readonly details: readonly {
      readonly did: string;
      readonly messageId?: string;
      readonly err?: { readonly code: string; readonly reason: string };
    }[];
  }[];
}

interface FoundMessage {
  readonly messageId: string;
  readonly clientGatewayMessageId: string;
  readonly senderDid: string;
  readonly fqcn: string;
  readonly topicId: string;
  readonly transactionId?: string;
  readonly signature: string;
  readonly payload: string;
  readonly timestampNanos: number;
}

interface ReceiveAnswer {
  readonly messages: readonly {
    readonly leaseToken: string;
    readonly deliveryCount: number;
    readonly leaseExpiresAt: string;
    readonly message: FoundMessage;
  }[];
}

/** One try. @returns whether every recipient's outcome is known */
export async function publish(scene: Scene, instance: number, number: number): Promise<boolean> {
  const publication = scene.publications[number];
  const sender = publication && scene.senders[publication.sender];
  if (!sender) throw new Error(`there is no publication ${number}`);
  const recipients = publication.recipients.map((index) => scene.recipients[index]?.did ?? '');
  const body = {
    fqcns: recipients,
    topicId: publication.topicId,
    topicVersion: '1.0.0',
    payload: payloadOf(publication),
    payloadEncryption: true,
    signature: publication.signature,
    clientGatewayMessageId: publication.clientGatewayMessageId,
    ...(publication.transactionId === undefined ? {} : { transactionId: publication.transactionId }),
    ...(publication.ttlSeconds === undefined ? {} : { ttlSeconds: publication.ttlSeconds }),
  };
  const answer = await sender.call<PublishAnswer>(
    instance,
    'POST',
    '/messages',
    body,
    keyOf(publication.repetition, publication.clientGatewayMessageId),
  );
  const outcomes = outcomesOf(answer, recipients);
  scene.record({ kind: 'published', ...callOf(answer), publication: number, outcomes });
  return outcomes.every(({ outcome }) => outcome !== 'unknown');
}

function keyOf(repetition: Repetition, uuid: string): Readonly<Record<string, string>> {
  return repetition === 'idempotency-key' ? { 'idempotency-key': uuid } : {};
}

function outcomesOf(answer: Answer<PublishAnswer>, recipients: readonly string[]): Published['outcomes'] {
  if (answer.status !== 200 || !answer.body) {
    // What was refused for what it says is not tried again; the plan sends nothing of the kind.
    const outcome: PublishOutcome = answer.status >= 400 && answer.status < 500 ? 'refused' : 'unknown';
    return recipients.map((recipient) => ({
      recipient,
      outcome: answer.status === 409 ? 'unknown' : outcome,
    }));
  }
  return answer.body.status.flatMap(({ name, details }) =>
    details.map(({ did, messageId, err }) => ({
      recipient: did,
      outcome: name === 'SENT' ? 'sent' : failureOf(err),
      messageId,
    })),
  );
}

function failureOf(err: { readonly code: string; readonly reason: string } | undefined): PublishOutcome {
  if (err?.code !== 'MB::NATS_SERVER') return 'refused';
  return err.reason.startsWith('Duplicate') ? 'duplicate' : 'unknown';
}

/** @returns ids of what was found, oldest first; undefined when there was no good answer */
export async function search(
  scene: Scene,
  instance: number,
  cursor: OpenCursor,
  filter: Readonly<Record<string, unknown>>,
): Promise<readonly string[] | undefined> {
  const answer = await cursor.reader.call<readonly FoundMessage[]>(instance, 'POST', '/messages/search', {
    ...nameOf(cursor),
    ...filter,
  });
  const found = answer.status === 200 ? answer.body : undefined;
  const messages = (found ?? []).map(toDelivered);
  scene.record({ kind: 'searched', ...callOf(answer), cursor: cursor.name, messages });
  return found && messages.map(({ messageId }) => messageId);
}

/** @returns whether there was a good answer */
export async function acknowledge(
  scene: Scene,
  instance: number,
  cursor: OpenCursor,
  asked: readonly string[],
): Promise<boolean> {
  if (asked.length === 0) return true;
  const answer = await cursor.reader.call<Pick<Acknowledged, 'acked' | 'notFound'>>(
    instance,
    'POST',
    '/messages/ack',
    { ...nameOf(cursor), messageIds: asked },
  );
  const { acked = [], notFound = [] } = answer.status === 200 ? (answer.body ?? {}) : {};
  scene.record({ kind: 'acknowledged', ...callOf(answer), cursor: cursor.name, asked, acked, notFound });
  return answer.status === 200;
}

/** @returns the lease tokens, oldest message first */
export async function receive(
  scene: Scene,
  instance: number,
  cursor: OpenCursor,
  order: { readonly max: number; readonly waitSeconds: number; readonly leaseSeconds: number },
): Promise<readonly string[]> {
  const answer = await cursor.reader.call<ReceiveAnswer>(
    instance,
    'POST',
    `/clients/${cursor.clientId}/receive`,
    // Payloads from Blob too: they are compared.
    { ...order, inline: true, ...fromOf(cursor) },
  );
  const found = answer.status === 200 ? (answer.body?.messages ?? []) : [];
  const messages: Received['messages'] = found.map(
    ({ leaseToken, leaseExpiresAt, deliveryCount, message }) => ({
      ...toDelivered(message),
      lease: { token: leaseToken, expiresAt: Date.parse(leaseExpiresAt), deliveryCount },
    }),
  );
  scene.record({
    kind: 'received',
    ...callOf(answer),
    waitMs: order.waitSeconds * 1_000,
    cursor: cursor.name,
    leaseMs: order.leaseSeconds * 1_000,
    messages,
  });
  return messages.map(({ lease }) => lease.token);
}

/** @returns whether there was a good answer */
export async function settleLeases(
  scene: Scene,
  instance: number,
  cursor: OpenCursor,
  action: Settled['action'],
  asked: readonly string[],
  leaseSeconds: number,
): Promise<boolean> {
  if (asked.length === 0) return true;
  const answer = await cursor.reader.call<Pick<Settled, 'succeeded'>>(
    instance,
    'POST',
    pathOf(cursor, action),
    {
      leaseTokens: asked,
      ...(action === 'renew' ? { leaseSeconds } : {}),
      ...(action === 'reject' ? { reason: 'chaos' } : {}),
    },
  );
  const { succeeded = [] } = answer.status === 200 ? (answer.body ?? {}) : {};
  const leaseMs = leaseSeconds * 1_000;
  scene.record({
    ...{ kind: 'settled', ...callOf(answer), cursor: cursor.name },
    ...{ action, leaseMs, asked, succeeded },
  });
  return answer.status === 200;
}

const pathOf = ({ clientId }: OpenCursor, action: string): string => `/clients/${clientId}/${action}`;
const fromOf = ({ from }: OpenCursor) => (from === undefined ? {} : { from });
const nameOf = (cursor: OpenCursor) => ({ clientId: cursor.clientId, ...fromOf(cursor) });

export function callOf({ instance, startedAt, endedAt, status }: Call): Call {
  return { instance, startedAt, endedAt, status };
}

function toDelivered(message: FoundMessage): Delivered {
  const { messageId, clientGatewayMessageId, topicId, transactionId, signature } = message;
  return {
    ...{ messageId, clientGatewayMessageId, topicId, transactionId, signature },
    sender: message.senderDid,
    recipient: message.fqcn,
    digest: digestOf(message.payload),
    storedAt: message.timestampNanos / 1_000_000,
  };
}
