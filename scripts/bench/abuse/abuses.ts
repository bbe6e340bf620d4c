// What an abuser sends, each as requests that one process keeps on its way.

import { randomBytes } from 'node:crypto';
import { createIdentityToken, createKeyPair } from '../../../client';
import type { Bench, Participant } from '../bench';
import type { Abuse, AbusiveRequest } from '../processes/abuser';

export interface NamedAbuse {
  readonly name: string;
  readonly abuse: Pick<Abuse, 'connections' | 'requests' | 'drips'>;
}

const connections = 16;

/** The first one is a busy neighbour who behaves: what any load costs the others. */
export async function abuses(bench: Bench, abuser: Participant): Promise<readonly NamedAbuse[]> {
  const [begin = '', claims = ''] = abuser.token.split('.');
  const as = (path: string, body: object | string, more: Record<string, string> = {}): AbusiveRequest => ({
    path,
    headers: { authorization: `Bearer ${abuser.token}`, 'content-type': 'application/json', ...more },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
    Array.from({ length: count }, (_none, index) => make(index));
  const search = { clientId: 'neighbour', topicId: [await bench.topicId()], amount: 30 };
  const expensive = await expensiveTopic(bench, abuser);
  const named = (name: string, requests: readonly AbusiveRequest[], more: object = {}): NamedAbuse => ({
    name,
    abuse: { connections, requests, ...more },
  });
  return [
    named('an equally busy neighbour who behaves', [as('/messages/search', search)]),
    named(
      'a flood of forged tokens',
      many(200, () => {
        const token = `${begin}.${claims}.${randomBytes(64).toString('base64url')}`;
        return as('/messages/search', search, { authorization: `Bearer ${token}` });
      }),
    ),
    named(
      'a flood of forged logins from one address',
      forgedLogins(() => '192.0.2.1'),
    ),
    named(
      'a flood of forged logins from ever new addresses',
      forgedLogins((index) => `2001:db8::${index.toString(16)}`),
    ),
    named('bodies of 1 MiB in which lists nest', [as('/messages/ack', '['.repeat(1024 ** 2))]),
    named('bodies of 4 MiB of empty objects', [as('/messages', `{"a":[${'{},'.repeat(1_400_000)}{}]}`)]),
    named('bodies that are too large, of unknown length', [
      as('/messages/search', ' '.repeat(2 * 1024 ** 2), { 'transfer-encoding': 'chunked' }),
    ]),
    {
      name: '500 bodies that drip',
      abuse: { connections: 500, requests: [as('/messages/search', '')], drips: true },
    },
    named('payloads that are dear to validate', [
      as(`/topics/${expensive}/versions/1.0.0/validate`, {
        payload: JSON.stringify(many(20_000, (n) => ({ n }))),
      }),
    ]),
    named(
      'ever new client ids',
      many(20_000, (index) => as('/messages/search', { ...search, clientId: `new-${index}` })),
    ),
  ];
}

function forgedLogins(address: (index: number) => string): readonly AbusiveRequest[] {
  const signature = createIdentityToken(createKeyPair()).split('.')[2] ?? '';
  return Array.from({ length: 200 }, (_none, index) => {
    const [header = '', payload = ''] = createIdentityToken(createKeyPair()).split('.');
    return {
      path: '/auth/login',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address(index) },
      body: JSON.stringify({ identityToken: `${header}.${payload}.${signature}` }),
    };
  });
}

/** A topic whose schema compares every item with every other. */
async function expensiveTopic(bench: Bench, abuser: Participant): Promise<string> {
  const topic = await bench.call<{ id: string }>('/topics', abuser, {
    ...{ name: 'dear', owner: 'bench.apps.bench.iam.ewc', schemaType: 'JSD7', version: '1.0.0', tags: [] },
    schema: '{"type":"array","uniqueItems":true}',
  });
  return topic.id;
}
