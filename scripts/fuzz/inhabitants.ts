// The participants of a fuzz run and what is theirs. Two of them, the victims, only exchange with each other and do
// nothing during the run; the others send the requests. Everything private holds a secret that only its owner may see.

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createIdentityToken, createKeyPair, didOf, type KeyPair, ParticipantClient } from '../../client';
import { KnownThings } from './known-things';
import type { Operation } from './operations';

export interface Inhabitant {
  readonly name: string;
  readonly key: KeyPair;
  readonly did: string;
  /** In which it creates topics. */
  readonly namespace: string;
}

export interface Settled extends Inhabitant {
  readonly client: ParticipantClient;
  readonly things: KnownThings;
  /** Texts in its private objects. */
  readonly secrets: readonly string[];
}

export const clientIds = { pending: 'reader-with-pending', other: 'other:reader' };

export function newInhabitant(name: string): Inhabitant {
  const key = createKeyPair();
  return { name, key, did: didOf(key), namespace: `${name}.apps.fuzz.iam.ewc` };
}

export const rolesOf = ({ namespace }: Inhabitant): readonly string[] => [
  `user.roles.${namespace}`,
  `topiccreator.roles.${namespace}`,
];

/** Logs in and makes one of everything. @param partner gets what is sent: itself, or the other victim */
export async function settle(
  inhabitant: Inhabitant,
  partner: Inhabitant,
  url: string,
  operations: readonly Operation[],
): Promise<Settled> {
  const client = await ParticipantClient.login(url, inhabitant.key);
  const things = new KnownThings();
  const secrets: string[] = [];
  const secret = (what: string): string => {
    const text = `secret-${what}-of-${inhabitant.name}-${randomBytes(9).toString('hex')}`;
    secrets.push(text);
    return text;
  };
  const call = async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const answer = await client.request<Body>(method, path, body);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };
  const anonymousKey = `key-of-${inhabitant.name}-${randomBytes(6).toString('hex')}`;
  await call('POST', '/channel/initExtChannel', { anonymousKeys: [{ anonymousKey }] });
  const topicName = `topic-of-${inhabitant.name}`;
  const { id: topicId } = await call<{ id: string }>('POST', '/topics', {
    ...{
      name: topicName,
      owner: inhabitant.namespace,
      schemaType: 'JSD7',
      version: '1.0.0',
      tags: ['tag.a'],
    },
    schema: '{"type":["object","array","string"]}',
  });
  const message = () => ({
    ...{ fqcns: [partner.did], topicId, topicVersion: '1.0.0', payloadEncryption: true },
    ...{ payload: secret('payload'), signature: secret('signature'), clientGatewayMessageId: randomUUID() },
  });
  const sent: string[] = [];
  for (let count = 0; count < 4; count++) sent.push(...sentIds(await call('POST', '/messages', message())));
  const anonymous = { ...message(), fqcns: [], anonymousRecipient: [anonymousKey] };
  sent.push(...sentIds(await call('POST', '/messages', anonymous)));
  await call('POST', '/messages/internal', {
    ...{ fqcn: partner.did, clientGatewayMessageId: randomUUID(), payload: secret('key') },
  });
  const fileId = await sendFile(
    call,
    { ...message(), payload: undefined },
    secret('file'),
    secret('file-name'),
  );
  const channel = `channel-of-${inhabitant.name}`;
  await call('PUT', `/channels/${channel}`, {
    type: 'sub',
    dids: [partner.did, secret('channel')],
    enforced: true,
  });
  if (operations.some(({ operationId }) => operationId === 'putMailbox')) {
    await call('PUT', '/mailbox', { readReceipts: true });
  }
  things.add('topic', topicId);
  things.add('version', '1.0.0', '1.1.0', '2.0.0-a');
  things.add('did', inhabitant.did, partner.did);
  things.add('channel', channel, 'another-channel');
  things.add('message', ...sent);
  things.add('file', fileId);
  things.add('clientId', clientIds.pending, clientIds.other);
  things.add('anonymousKey', anonymousKey);
  things.add('owner', inhabitant.namespace);
  things.add('role', ...rolesOf(inhabitant));
  things.add('topicName', topicName);
  things.add('transaction', 'transaction-1', 'transaction-2');
  things.add('identityToken', createIdentityToken(inhabitant.key));
  return { ...inhabitant, client, things, secrets };
}

/** Reads on a client id and acknowledges one message, so that there are cursors and, where there are any, leases. */
export async function read({ client, things }: Settled, operations: readonly Operation[]): Promise<void> {
  const search = { clientId: clientIds.pending, amount: 3 };
  const { body: found } = await client.request<{ messageId: string }[]>('POST', '/messages/search', search);
  const messageIds = found.slice(0, 1).map(({ messageId }) => messageId);
  await client.request('POST', '/messages/ack', { clientId: clientIds.pending, messageIds });
  if (!operations.some(({ template }) => template === '/clients/{clientId}/receive')) return;
  const path = `/clients/${encodeURIComponent(clientIds.other)}/receive`;
  const lease = { max: 2, leaseSeconds: 3_600, waitSeconds: 0 };
  const { body } = await client.request('POST', path, lease);
  things.learn(body, path);
}

function sentIds(answer: { status: { details: { messageId?: string }[] }[] }): readonly string[] {
  return answer.status.flatMap(({ details }) => details.flatMap(({ messageId }) => messageId ?? []));
}

async function sendFile(
  call: <Body>(method: string, path: string, body?: unknown) => Promise<Body>,
  description: object,
  content: string,
  fileName: string,
): Promise<string> {
  const bytes = Buffer.from(content);
  const slot = await call<{ fileId: string; upload: { url: string; headers: Record<string, string> } }>(
    'POST',
    '/files',
    {
      ...description,
      ...{ fileName, sizeBytes: bytes.byteLength },
      sha256: createHash('sha256').update(bytes).digest('hex'),
    },
  );
  const stored = await fetch(slot.upload.url, { method: 'PUT', headers: slot.upload.headers, body: bytes });
  if (!stored.ok) throw new Error(`the blob store answered ${stored.status}`);
  await call('POST', `/files/${slot.fileId}/complete`);
  return slot.fileId;
}
