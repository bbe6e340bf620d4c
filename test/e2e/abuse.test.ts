// One test for each way in which a caller may try to take what belongs to all: it is refused with a clear problem, and
// the broker goes on. What others feel of it meanwhile is measured by npm run bench -- abuse.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { createIdentityToken, createKeyPair, didOf, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { type CheckedFetch, checkedFetch } from '../../scripts/openapi/openapi-check';
import { drip, rawAnswer, requestHead } from '../support/raw-request';
import { startTestStack, type TestStack } from '../support/stack';

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
}

const limits = {
  topics: 6,
  versions: 3,
  keys: 3,
  channels: 2,
  clientIds: 3,
  cursors: 4,
  loginsOfDid: 3,
  loginsOfAddress: 8,
};

describe('abuse', () => {
  let stack: TestStack;
  let send: CheckedFetch;
  let abuser: ParticipantClient;
  let other: ParticipantClient;
  let topicId: string;

  beforeAll(async () => {
    stack = await startTestStack({
      settings: {
        BODY_SECONDS: '1',
        LOGINS_PER_MINUTE: String(limits.loginsOfDid),
        ADDRESS_LOGINS_PER_MINUTE: String(limits.loginsOfAddress),
        TOPICS_PER_OWNER: String(limits.topics),
        VERSIONS_PER_TOPIC: String(limits.versions),
        ANONYMOUS_KEYS_PER_PARTICIPANT: String(limits.keys),
        CHANNELS_PER_PARTICIPANT: String(limits.channels),
        CURSORS_PER_MAILBOX: String(limits.cursors),
        CLIENT_IDS_PER_PARTICIPANT: String(limits.clientIds),
      },
    });
    send = await checkedFetch(stack.url);
    abuser = await ParticipantClient.login(stack.url, createKeyPair());
    other = await ParticipantClient.login(stack.url, createKeyPair());
    const topic = await request<{ id: string }>(abuser, 'POST', '/topics', newTopic());
    topicId = topic.body.id;
  }, 60_000);

  afterAll(() => stack.stop(), 20_000);

  const headersOf = ({ accessToken }: ParticipantClient) => ({
    'content-type': 'application/json',
    authorization: `Bearer ${accessToken}`,
  });

  async function request<Body = Problem>(
    caller: ParticipantClient,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Answered<Body>> {
    const sent = typeof body === 'string' ? body : JSON.stringify(body);
    const init = { method, headers: headersOf(caller), ...(body === undefined ? {} : { body: sent }) };
    const response = await send(path, init);
    return { status: response.status, body: (await response.json()) as Body };
  }

  /** The other participant is served as ever. */
  async function expectOtherIsServed(): Promise<void> {
    const startedAt = performance.now();
    expect((await request(other, 'GET', '/config')).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  }

  /** The other participant's XML is validated, for which it needs a thread. */
  async function expectOtherIsValidated(xmlTopicId: string): Promise<void> {
    const path = `/topics/${xmlTopicId}/versions/1.0.0/validate`;
    const { status, body } = await request<{ valid: boolean }>(other, 'POST', path, { payload: '<a/>' });
    expect([status, body.valid]).toEqual([200, true]);
  }

  const createTopic = async (fields: object) =>
    (await request<{ id: string }>(abuser, 'POST', '/topics', newTopic(fields))).body.id;

  const newTopic = (fields: object = {}) => ({
    ...{ name: `abuse-${randomUUID()}`, owner: demoOwner, schemaType: 'JSD7', schema: '{}' },
    ...{ version: '1.0.0', tags: [] },
    ...fields,
  });

  it('oversized bodies are refused, declared or not, and not read to their end', async () => {
    const declared = await request(abuser, 'POST', '/messages/search', ' '.repeat(2 * 1024 ** 2));
    expect([declared.status, declared.body.code]).toEqual([413, 'payload-too-large']);
    const endless = await rawAnswer(
      stack.url,
      requestHead('POST /messages/search', abuser, 'Transfer-Encoding: chunked'),
      (socket) => {
        const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
        const more = () => {
          while (socket.writable && socket.write(chunk));
        };
        socket.on('drain', more);
        more();
      },
    );
    expect(endless).toContain('413');
    await expectOtherIsServed();
  });

  it('slow bodies are given up with 408', async () => {
    const startedAt = performance.now();
    const slow = requestHead('POST /messages/search', abuser, 'Content-Length: 1000');
    const answer = await rawAnswer(stack.url, slow, drip('{"a":"'));
    expect(answer).toContain('HTTP/1.1 408');
    expect(answer).toContain('"code":"body-too-slow"');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await expectOtherIsServed();
  });

  it('deep JSON is refused before it is parsed', async () => {
    const deep = `${'['.repeat(1_500_000)}${']'.repeat(1_500_000)}`;
    for (const body of [
      `{"clientId":"c","messageIds":${deep}}`,
      deep,
      `{"clientId":"c","a":${'{"a":'.repeat(500_000)}`,
    ]) {
      const answer = await request(abuser, 'POST', '/messages/ack', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed-json']);
    }
    await expectOtherIsServed();
  });

  it('wide JSON, which takes many times its size as values, is refused before it is parsed', async () => {
    const wide = `{"payload":"","topicId":"${topicId}","unknown":[${'{},'.repeat(2_500_000)}{}]}`;
    const answer = await request(abuser, 'POST', '/messages', wide);
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed-json']);
    await expectOtherIsServed();
  });

  it('XML that expands like a zip bomb is refused, as a schema and as a payload', async () => {
    const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`);
    const bomb = `<!DOCTYPE a [<!ENTITY e0 "boom">${entities.join('')}]><a>&e12;</a>`;
    const schema =
      '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:string"/></xs:schema>';
    const asSchema = await request(abuser, 'POST', '/topics', newTopic({ schemaType: 'XSD6', schema: bomb }));
    expect([asSchema.status, asSchema.body.code]).toEqual([400, 'schema-invalid']);
    const topic = await request<{ id: string }>(
      abuser,
      'POST',
      '/topics',
      newTopic({ schemaType: 'XSD6', schema }),
    );
    const startedAt = performance.now();
    const asPayload = await request(abuser, 'POST', '/messages', {
      ...{
        fqcns: [other.did],
        topicId: topic.body.id,
        topicVersion: '1.0.0',
        payload: bomb,
        payloadEncryption: false,
      },
      ...{ signature: 's', clientGatewayMessageId: randomUUID() },
    });
    expect([asPayload.status, asPayload.body.code]).toEqual([400, 'schema-violation']);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await request(abuser, 'DELETE', `/topics/${topic.body.id}`);
  });

  it('expensive schemas are decided or refused in time, and keep nobody else waiting', async () => {
    const nested = (levels: number): object =>
      levels ? { anyOf: [nested(levels - 1), nested(levels - 1)] } : {};
    const schemas = [
      JSON.stringify({ type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' }),
      JSON.stringify(nested(11)),
      JSON.stringify({ type: 'array', uniqueItems: true, items: { type: 'object' } }),
      JSON.stringify({ enum: Array.from({ length: 20_000 }, (_, n) => ({ n })) }),
    ];
    const xmlTopicId = await createTopic({ schemaType: 'XML', schema: '<a/>' });
    const startedAt = performance.now();
    const creating = Promise.all(
      schemas.map((schema) =>
        request<{ id?: string }>(abuser, 'POST', '/topics', newTopic({ schema, owner: demoOwner })),
      ),
    );
    await expectOtherIsValidated(xmlTopicId);
    const created = await creating;
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    for (const { status, body } of created) {
      expect([200, 400]).toContain(status);
      if (body.id !== undefined) await request(abuser, 'DELETE', `/topics/${body.id}`);
    }
    await request(abuser, 'DELETE', `/topics/${xmlTopicId}`);
  });

  it('dear dry runs of one participant are done one at a time, and payloads of others before them', async () => {
    const union = (name: string) =>
      JSON.stringify({
        oneOf: Array.from({ length: 100 }, (_, at) => ({
          properties: {
            [name]: { const: at },
            rest: { enum: Array.from({ length: 20 }, (_, one) => one + at) },
          },
        })),
      });
    const xmlTopicId = await createTopic({ schemaType: 'XML', schema: '<a/>' });
    const jsonTopicId = await createTopic({ schema: union('a') });
    const answered: number[] = [];
    const { promise: firstAnswered, resolve: answer } = Promise.withResolvers<undefined>();
    const dryRuns = Array.from({ length: 5 }, async () => {
      const body = { schema: union('b'), mode: 'FULL' };
      const { status } = await request(abuser, 'POST', `/topics/${jsonTopicId}/compatibility`, body);
      if (status === 200) {
        answered.push(status);
        answer(undefined);
      }
      return status;
    });
    await firstAnswered;
    await expectOtherIsValidated(xmlTopicId);
    // The one that was waited for, the one that was being done, and no long line.
    expect(answered.length).toBeLessThanOrEqual(3);
    expect(await Promise.all(dryRuns)).toEqual(Array(5).fill(200));
    for (const id of [xmlTopicId, jsonTopicId]) await request(abuser, 'DELETE', `/topics/${id}`);
  }, 60_000);

  it('floods of garbage tokens are all 401, and a good token works among them', async () => {
    const [begin = '', claims = ''] = abuser.accessToken.split('.');
    const flood = Array.from({ length: 500 }, async (_, index) => {
      const token =
        index % 2
          ? `${begin}.${claims}.${randomBytes(64).toString('base64url')}`
          : randomBytes(30).toString('hex');
      const response = await send('/config', { headers: { authorization: `Bearer ${token}` } });
      return response.status;
    });
    await expectOtherIsServed();
    expect(new Set(await Promise.all(flood))).toEqual(new Set([401]));
  });

  const logIn = async (identityToken: string, address?: string) => {
    const response = await send('/auth/login', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(address ? { 'x-forwarded-for': `x, ${address}:1` } : {}),
      },
      body: JSON.stringify({ identityToken }),
    });
    return { status: response.status, retryAfter: response.headers.get('retry-after') };
  };

  it('login floods from one address are 429, and others log in', async () => {
    const forged = () => {
      const [header = '', payload = ''] = createIdentityToken(createKeyPair()).split('.');
      return `${header}.${payload}.${createIdentityToken(createKeyPair()).split('.')[2] ?? ''}`;
    };
    const statuses: number[] = [];
    for (let tries = 0; tries < limits.loginsOfAddress + 2; tries++) {
      statuses.push((await logIn(forged(), '192.0.2.1')).status);
    }
    expect(statuses.slice(0, limits.loginsOfAddress)).toEqual(Array(limits.loginsOfAddress).fill(401));
    expect(statuses.at(-1)).toBe(429);
    const good = createIdentityToken(createKeyPair());
    const refused = await logIn(good, '192.0.2.1');
    expect([refused.status, Number(refused.retryAfter) > 0]).toEqual([429, true]);
    expect((await logIn(good, '192.0.2.2')).status).toBe(200);
  });

  it('login floods of one DID are 429, and nobody who merely names a DID locks it out', async () => {
    const victim = createKeyPair();
    const token = createIdentityToken(victim);
    const [header = '', payload = ''] = token.split('.');
    const stranger = createIdentityToken(createKeyPair()).split('.')[2] ?? '';
    for (let tries = 0; tries < 10; tries++) {
      expect((await logIn(`${header}.${payload}.${stranger}`)).status).toBe(401);
    }
    const statuses: number[] = [];
    for (let tries = 0; tries <= limits.loginsOfDid; tries++) statuses.push((await logIn(token)).status);
    expect(statuses).toEqual([...Array<number>(limits.loginsOfDid).fill(200), 429]);
    expect(didOf(victim)).not.toBe(other.did);
  });

  it('thousands of topics of one owner end at the limit, and a removed one makes room', async () => {
    const made: string[] = [];
    for (;;) {
      const { status, body } = await request<Problem & { id: string }>(abuser, 'POST', '/topics', newTopic());
      if (status !== 200) {
        expect([status, body.code]).toEqual([409, 'limit-reached']);
        break;
      }
      made.push(body.id);
      expect(made.length).toBeLessThan(limits.topics);
    }
    await request(abuser, 'DELETE', `/topics/${made[0] ?? ''}`);
    expect((await request(abuser, 'POST', '/topics', newTopic())).status).toBe(200);
  });

  it('thousands of versions of one topic end at the limit', async () => {
    const publish = (version: string) =>
      request(abuser, 'PUT', `/topics/${topicId}/versions/${version}`, { schema: `{"title":"${version}"}` });
    for (let minor = 1; minor < limits.versions; minor++)
      expect((await publish(`1.${minor}.0`)).status).toBe(200);
    expect((await publish('2.0.0')).body.code).toBe('limit-reached');
    // The same schema again is nothing new.
    expect((await publish('1.1.0')).status).toBe(200);
  });

  it('thousands of anonymous keys of one participant end at the limit, and a removed one makes room', async () => {
    const register = async (names: readonly string[]) => {
      const body = { anonymousKeys: names.map((anonymousKey) => ({ anonymousKey })) };
      const answer = await request<{ status: { status: string; message: string }[] }>(
        abuser,
        'POST',
        '/channel/initExtChannel',
        body,
      );
      return answer.body.status.map(({ status, message }) => `${status}: ${message}`);
    };
    const names = Array.from({ length: limits.keys + 2 }, () => `key-${randomUUID()}`);
    const good = Array<string>(limits.keys).fill('Success: Registered');
    expect(await register(names)).toEqual([...good, 'Fail: Limit reached', 'Fail: Limit reached']);
    expect(await register(names)).toEqual([...good, 'Fail: Limit reached', 'Fail: Limit reached']);
    expect((await request(abuser, 'DELETE', `/channel/clientIds/${names[0] ?? ''}`)).status).toBe(200);
    expect(await register([names.at(-1) ?? ''])).toEqual(['Success: Registered']);
  });

  it('thousands of channels of one participant end at the limit', async () => {
    const put = (name: string) => request(abuser, 'PUT', `/channels/${name}`, { type: 'sub' });
    for (let count = 0; count < limits.channels; count++)
      expect((await put(`channel-${count}`)).status).toBe(200);
    expect((await put('one-more')).body.code).toBe('limit-reached');
    expect((await put('channel-0')).status).toBe(200);
  });

  it('thousands of client ids of one participant end at the limit, and a removed one makes room', async () => {
    const search = (clientId: string) => request(abuser, 'POST', '/messages/search', { clientId });
    for (let count = 0; count < limits.clientIds; count++)
      expect((await search(`c${count}`)).status).toBe(200);
    const refused = await search('one-more');
    expect([refused.status, refused.body.code]).toEqual([409, 'limit-reached']);
    expect((await request(abuser, 'PUT', '/clients/another', {})).body.code).toBe('limit-reached');
    expect((await search('c0')).status).toBe(200);
    expect((await request(abuser, 'DELETE', '/channel/clientIds', { clientIds: ['c0'] })).status).toBe(200);
    expect((await search('one-more')).status).toBe(200);
  });

  it('thousands of cursors of one mailbox, made by ever new instants, end at the limit', async () => {
    const sent = await request(other, 'POST', '/messages', {
      ...{ fqcns: [other.did], topicId, topicVersion: '1.0.0', payload: 'x', payloadEncryption: true },
      ...{ signature: 's', clientGatewayMessageId: randomUUID() },
    });
    expect(sent.status).toBe(200);
    const search = (minute: number) =>
      request(other, 'POST', '/messages/search', { clientId: 'c', from: `2020-01-01T00:0${minute}:00Z` });
    for (let minute = 0; minute < limits.cursors; minute++) expect((await search(minute)).status).toBe(200);
    const refused = await search(limits.cursors);
    expect([refused.status, refused.body.code]).toEqual([409, 'limit-reached']);
    expect((await search(0)).status).toBe(200);
  });
});
