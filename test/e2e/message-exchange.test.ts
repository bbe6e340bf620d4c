// What a Client Gateway does all day, over real HTTP: against a broker of its own, or the one that BROKER_URL names.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createIdentityToken, createKeyPair, type KeyPair, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { type CheckedFetch, checkedFetch } from '../../scripts/openapi/openapi-check';
import { eventually } from '../support/eventually';
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/stack';

jest.setTimeout(60_000);

interface Found {
  readonly messageId: string;
  readonly payload: string;
  readonly senderDid: string;
  readonly clientGatewayMessageId: string;
}
interface Published {
  readonly recipients: { readonly total: number; readonly sent: number; readonly failed: number };
}
interface Acknowledged {
  readonly acked: readonly string[];
  readonly notFound: readonly string[];
}

describe('a client gateway', () => {
  let broker: BrokerUnderTest;
  let send: CheckedFetch;
  let keys: readonly [KeyPair, KeyPair];
  let alice: ParticipantClient;
  let bob: ParticipantClient;
  let topicId: string;

  beforeAll(async () => {
    broker = await startBrokerUnderTest();
    send = await checkedFetch(broker.url);
    keys = [createKeyPair(), createKeyPair()];
    [alice, bob] = await Promise.all([
      ParticipantClient.login(broker.url, keys[0]),
      ParticipantClient.login(broker.url, keys[1]),
    ]);
    const topic = await post<{ id: string }>(alice, '/topics', {
      name: `exchange-${randomUUID()}`,
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: '{"type":"object","required":["n"]}',
      version: '1.0.0',
      tags: [],
    });
    topicId = topic.id;
  });

  afterAll(() => broker.stop());

  /** Headers as a gateway sends them. */
  const headersOf = (token: string) => ({
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'x-request-id': 'null',
    'x-ddhub-client-version': '1.0.0',
  });

  async function post<Body>(caller: ParticipantClient, path: string, body: unknown): Promise<Body> {
    const response = await send(path, {
      method: 'POST',
      headers: headersOf(caller.accessToken),
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Body;
  }

  const message = (fields: object = {}) => ({
    fqcns: [bob.did],
    topicId,
    topicVersion: '1.0.0',
    payload: '{"n":1}',
    payloadEncryption: false,
    signature: 'signature',
    clientGatewayMessageId: randomUUID(),
    ...fields,
  });
  const publish = (fields: object = {}) => post<Published>(alice, '/messages', message(fields));
  const search = (fields: object) =>
    post<readonly Found[]>(bob, '/messages/search', { topicId: [topicId], amount: 100, ...fields });
  /** What was published a moment ago, in an answer to which the replica that is asked may not have it yet (design §4). */
  async function searchPublished(clientId: string, count = 1): Promise<readonly Found[]> {
    let found: readonly Found[] = [];
    await eventually(async () => {
      found = await search({ clientId });
      return found.length >= count;
    });
    return found;
  }
  const acknowledge = (clientId: string, messageIds: readonly string[]) =>
    post<Acknowledged>(bob, '/messages/ack', { clientId, messageIds });

  /** Reads and acknowledges until nothing is left, and so many have come. */
  async function drain(clientId: string, count = 0): Promise<readonly Found[]> {
    const all: Found[] = [];
    for (;;) {
      const found = all.length < count ? await searchPublished(clientId) : await search({ clientId });
      if (!found.length) return all;
      all.push(...found);
      const ids = found.map(({ messageId }) => messageId);
      expect(await acknowledge(clientId, ids)).toEqual({ acked: ids, notFound: [] });
    }
  }

  it('begins with the token "null", is told 401 and logs in as a reaction', async () => {
    const call = (token: string) =>
      send('/messages/search', {
        method: 'POST',
        headers: headersOf(token),
        body: JSON.stringify({ clientId: 'WS_CONSUMER', from: null }),
      });
    const refused = await call('null');
    expect(refused.status).toBe(401);
    expect(await refused.text()).not.toContain('"returnCode":"10"');
    const login = await send('/auth/login', {
      method: 'POST',
      headers: headersOf('null'),
      body: JSON.stringify({ identityToken: createIdentityToken(keys[1]) }),
    });
    const { access_token } = (await login.json()) as { access_token: string };
    expect((await call(access_token)).status).toBe(200);
  });

  it('sends a burst of 200 messages, and nobody is told to come later', async () => {
    const ids = Array.from({ length: 200 }, () => randomUUID());
    const answers = await Promise.all(ids.map((id) => publish({ clientGatewayMessageId: id })));
    expect(answers.every(({ recipients }) => recipients.sent === 1)).toBe(true);
    for (const clientId of ['app1:my.channel', 'undefined:fqcn']) {
      const got = (await drain(clientId, ids.length)).map(
        ({ clientGatewayMessageId }) => clientGatewayMessageId,
      );
      expect(new Set(got)).toEqual(new Set(ids));
      expect(got).toHaveLength(ids.length);
    }
  });

  it('gets back what it did not acknowledge, and never again what it did', async () => {
    const clientId = randomUUID();
    await drain(clientId);
    for (const n of [1, 2, 3]) await publish({ payload: JSON.stringify({ n }) });
    const found = await searchPublished(clientId, 3);
    expect(found.map(({ payload }) => payload)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    const [first = '', second = ''] = found.map(({ messageId }) => messageId);
    expect(await acknowledge(clientId, [second, 'unknown', first])).toEqual({
      acked: [second, first],
      notFound: ['unknown'],
    });
    expect((await search({ clientId })).map(({ payload }) => payload)).toEqual(['{"n":3}']);
  });

  it('exchanges 2 MiB of anything, byte for byte, through real HTTP', async () => {
    const clientId = randomUUID();
    await drain(clientId);
    const payload = `"\\\u2028\u0301😀\0`.repeat(160_000).slice(0, 2 ** 20);
    await publish({ payload, payloadEncryption: true, signature: payload.slice(0, 1_000) });
    const [found] = await searchPublished(clientId);
    expect(found?.payload === payload).toBe(true);
    expect(found?.senderDid).toBe(alice.did);
  });

  it('sends a body in chunks, without a length', async () => {
    const clientId = randomUUID();
    await drain(clientId);
    const body = Buffer.from(JSON.stringify(message({ payload: '{"n":"chunked"}' })));
    // Not through the checking fetch, which would have to read the stream to see what it holds.
    const response = await fetch(`${broker.url}/messages`, {
      method: 'POST',
      headers: headersOf(alice.accessToken),
      body: new Blob([body]).stream(),
      duplex: 'half',
    });
    expect(response.status).toBe(200);
    const found = await searchPublished(clientId);
    expect(found.map(({ payload }) => payload)).toEqual(['{"n":"chunked"}']);
  });

  it('is told at once that a body is too large, that it is no JSON, and that a route does not exist', async () => {
    const headers = headersOf(alice.accessToken);
    const call = async (path: string, body: string) =>
      (await send(path, { method: 'POST', headers, body })).status;
    const large = JSON.stringify(message({ payload: 'x'.repeat(2 ** 23 + 1), payloadEncryption: true }));
    expect(await call('/messages', large)).toBe(413);
    expect(await call('/messages', '{"fqcns":[')).toBe(400);
    expect(await call('/messages/', JSON.stringify(message()))).toBe(200);
    expect(await call('/messages/nothing', '{}')).toBe(404);
  });
});
