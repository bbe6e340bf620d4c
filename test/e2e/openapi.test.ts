// The running broker against its own OpenAPI document: every route works as described, and whatever is sent to
// any field of any route is answered as described, with a problem and never with a 500.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createIdentityToken, createKeyPair, ParticipantClient } from '../../client';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import { type CheckedFetch, checkedFetch } from '../../scripts/openapi/openapi-check';
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/stack';

type Json = Record<string, unknown>;

interface Operation {
  readonly security: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: BodySchema }> };
}

interface BodySchema {
  readonly properties?: Record<string, Json>;
  readonly examples?: readonly Json[];
}

interface DescribedCall {
  readonly method: string;
  readonly template: string;
  readonly operation: Operation;
}

const hostileTexts = [
  ...[
    '',
    ' ',
    '*',
    '>',
    '.',
    '..',
    '*.>',
    'a.b',
    'a b',
    ' a ',
    '$JS.API',
    '\0',
    'a\0b',
    '\n',
    '\u2028',
    '😀',
    'é',
  ],
  ...[
    'did:',
    'did:ethr:',
    'did:ethr:0x',
    'DID:ETHR:0X1',
    'did:ethr:*:0x5b38da6a701c568545dcfcb03fcb875f56beddc4',
  ],
  ...[
    "' or 1=1--",
    '../../etc/passwd',
    '%00',
    '%',
    '__proto__',
    'constructor',
    'null',
    '-1',
    '1e309',
    '{{}}',
  ],
  'x'.repeat(10_000),
];
const hostileValues: readonly unknown[] = [
  ...hostileTexts,
  ...[null, true, 0, -1, 1.5, 1e300, 2 ** 53, [], {}, [[]], [null], [0], [''], ['*', '>'], { a: { b: 1 } }],
  '\ud800',
  ['\ud800'],
  Array.from({ length: 30 }, (_, index) => `did:ethr:${index}`),
];

/** Bodies that are not what any route wants. */
const hostileBodies: readonly (string | Uint8Array<ArrayBuffer>)[] = [
  ...['', ' ', 'null', 'true', '0', '"text"', '[]', '[{}]', '{', '{}{}', "{'a':1}", '\ufeff{}', 'a=b&c=d'],
  ...[
    '{"__proto__":{"a":1}}',
    '{"constructor":{"prototype":{}}}',
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  ],
  ...[Uint8Array.of(0xff, 0xfe), Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), new Uint8Array(100)],
];

const strangers = [
  ...[
    undefined,
    'Bearer null',
    'Bearer undefined',
    'Bearer',
    'Bearer a.b.c',
    'Basic YTpi',
    'bearer  ',
    'null',
  ],
  `Bearer ${'x'.repeat(9_000)}`,
  // alg none, with claims that would do
  `Bearer ${['{"alg":"none"}', '{"did":"did:ethr:0x1","roles":["user.roles.a.apps.b.iam.ewc"]}']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')}.`,
];

describe('the running broker', () => {
  let broker: BrokerUnderTest;
  let send: CheckedFetch;
  let alice: ParticipantClient;
  let bob: ParticipantClient;
  let topicId: string;
  let calls: readonly DescribedCall[];

  beforeAll(async () => {
    broker = await startBrokerUnderTest();
    send = await checkedFetch(broker.url);
    [alice, bob] = await Promise.all([
      ParticipantClient.login(broker.url, createKeyPair()),
      ParticipantClient.login(broker.url, createKeyPair()),
    ]);
    topicId = (await answer<{ id: string }>(alice, 'POST', '/topics', newTopic())).id;
    const document = (await (await send('/openapi.json')).json()) as { paths: Record<string, Json> };
    calls = Object.entries(document.paths).flatMap(([template, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        method: method.toUpperCase(),
        template,
        operation: operation as Operation,
      })),
    );
  }, 60_000);

  afterAll(() => broker.stop(), 20_000);

  const headersOf = (caller: ParticipantClient | undefined) => ({
    'content-type': 'application/json',
    ...(caller ? { authorization: `Bearer ${caller.accessToken}` } : {}),
  });

  async function request(
    caller: ParticipantClient | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Response> {
    const init = { method, headers: headersOf(caller) };
    return send(path, body === undefined ? init : { ...init, body: JSON.stringify(body) });
  }

  async function answer<Body>(
    caller: ParticipantClient | undefined,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Body> {
    const response = await request(caller, method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as Body;
  }

  const newTopic = () => ({
    name: `openapi-${randomUUID()}`,
    owner: demoOwner,
    schemaType: 'JSD7',
    schema: '{"type":"object"}',
    version: '1.0.0',
    tags: ['a.b'],
  });
  const newMessage = () => ({
    fqcns: [bob.did, 'did:ethr:0x0000000000000000000000000000000000000001'],
    payload: '{}',
    topicId,
    topicVersion: '1.0.0',
    signature: 's',
    clientGatewayMessageId: randomUUID(),
    payloadEncryption: false,
  });

  it('logs in, refreshes and registers as described', async () => {
    const key = createKeyPair();
    const tokens = await answer<{ refresh_token: string }>(undefined, 'POST', '/auth/login', {
      identityToken: createIdentityToken(key),
    });
    await answer(undefined, 'POST', '/auth/refresh-token', { refreshToken: tokens.refresh_token });
    await answer(undefined, 'GET', '/.well-known/jwks.json');
    await answer(alice, 'POST', '/channel/initExtChannel');
    await answer(alice, 'POST', '/channel/initExtChannel', {});
  });

  it('answers operators and developers as described', async () => {
    await answer(undefined, 'GET', '/health');
    expect(await answer(alice, 'GET', '/config')).toMatchObject({ msgMaxSize: 2_097_152 });
    for (const path of [
      '/docs',
      '/docs/',
      '/docs/swagger-ui-bundle.js',
      '/docs/swagger-ui.css',
      '/docs/initializer.js',
    ]) {
      expect((await send(path)).status).toBe(200);
    }
    expect((await send('/docs/index.html')).status).toBe(404);
  });

  it('administers topics as described', async () => {
    const topic = newTopic();
    const { id } = await answer<{ id: string }>(alice, 'POST', '/topics', topic);
    const lists = [
      '',
      `?owner=${demoOwner}&name=${topic.name}`,
      '?tags=a.b&limit=1&page=99',
      '?includeDeleted=true',
    ];
    for (const query of lists) await answer(alice, 'GET', `/topics${query}`);
    await answer(alice, 'GET', '/topics/search?keyword=openapi&limit=5');
    await answer(alice, 'GET', `/topics/count?owner=${demoOwner}&owner=nobody`);
    await answer(alice, 'GET', `/topics/topicUpdatesMonitor?namespaceList=${demoOwner}`);
    await answer(alice, 'GET', `/topics/${id}`);
    await answer(alice, 'PUT', `/topics/${id}`, { tags: ['b'] });
    await answer(alice, 'PUT', `/topics/${id}/versions/1.1.0`, { schema: '{}' });
    await answer(alice, 'GET', `/topics/${id}/versions`);
    await answer(alice, 'GET', `/topics/${id}/versions/1.1.0`);
    expect((await request(alice, 'POST', '/topics', topic)).status).toBe(400);
    expect((await request(alice, 'POST', '/topics', { ...topic, owner: 'other' })).status).toBe(403);
    expect(
      (await request(alice, 'PUT', `/topics/${id}/versions/1.1.0`, { schema: '{"type":"array"}' })).status,
    ).toBe(409);
    await answer(alice, 'DELETE', `/topics/${id}/versions/1.1.0`);
    await answer(alice, 'DELETE', `/topics/${id}`);
    expect((await request(alice, 'DELETE', `/topics/${id}`)).status).toBe(404);
  });

  it('sends, finds and acknowledges messages as described', async () => {
    const message = { ...newMessage(), transactionId: randomUUID() };
    expect(await answer(alice, 'POST', '/messages', message)).toMatchObject({
      recipients: { total: 2, sent: 1, failed: 1 },
    });
    await answer(alice, 'POST', '/messages', message);
    await answer(alice, 'POST', '/messages', { ...newMessage(), fqcns: [] });
    expect((await request(alice, 'POST', '/messages', { ...newMessage(), payload: '[]' })).status).toBe(400);
    expect(
      (await request(alice, 'POST', '/messages', { ...newMessage(), topicVersion: '9.9.9' })).status,
    ).toBe(404);
    const search = { clientId: randomUUID(), topicId: [topicId], amount: 10 };
    const found = await answer<{ messageId: string }[]>(bob, 'POST', '/messages/search', search);
    expect(found.length).toBeGreaterThan(0);
    const messageIds = [...found.map(({ messageId }) => messageId), 'unknown'];
    const acknowledged = { clientId: search.clientId, messageIds };
    expect(await answer(bob, 'POST', '/messages/ack', acknowledged)).toMatchObject({ notFound: ['unknown'] });
    expect(await answer(bob, 'POST', '/messages/search', search)).toEqual([]);
  });

  it('answers a caller without a good token with 401 on every route that asks for one', async () => {
    const guarded = calls.filter(({ operation }) => operation.security.length > 0);
    expect(guarded.length).toBeGreaterThan(15);
    for (const { method, template } of guarded) {
      for (const authorization of strangers) {
        const response = await send(template.replaceAll(/\{\w+\}/g, topicId), {
          method,
          headers: authorization === undefined ? {} : { authorization },
        });
        expect([method, template, authorization, response.status]).toEqual([
          method,
          template,
          authorization,
          401,
        ]);
        expect(await response.text()).not.toContain('"returnCode":"10"');
      }
    }
  }, 60_000);

  it('answers every hostile text in every place of every path and query with a problem, and never a 500', async () => {
    for (const { method, template, operation } of calls) {
      for (const { name, in: place } of operation.parameters ?? []) {
        for (const text of hostileTexts) {
          const filled = template
            .replace(`{${name}}`, encodeURIComponent(text))
            .replaceAll(/\{version\}/g, '1.0.0')
            .replaceAll(/\{\w+\}/g, topicId);
          if (place === 'header') {
            // What HTTP does not let pass is refused by the client.
            if (!/^[\x20-\x7e]*$/.test(text)) continue;
            const headers = { ...headersOf(alice), [name]: text };
            const body = JSON.stringify(bodyOf(operation));
            expectNoFailure(await send(filled, { method, headers, body }));
            continue;
          }
          const path = place === 'query' ? `${filled}?${name}=${encodeURIComponent(text)}` : filled;
          // A client resolves dots in a path: these would delete what the other tests use.
          if (method === 'DELETE' && /^\.*$/.test(text)) continue;
          expectNoFailure(
            await request(alice, method, path, method === 'GET' ? undefined : bodyOf(operation)),
          );
        }
      }
    }
  }, 120_000);

  it('answers every hostile value in every member of every body as described, and never with a 500', async () => {
    for (const { method, template, operation } of calls) {
      const members = Object.keys(schemaOf(operation)?.properties ?? {});
      for (const member of members) {
        for (const value of hostileValues) {
          const body = { ...bodyOf(operation), [member]: value };
          expectNoFailure(await request(alice, method, fill(template), body));
        }
      }
    }
  }, 120_000);

  it('answers every body that is no body with a problem, and never a 500', async () => {
    for (const { method, template, operation } of calls) {
      if (!operation.requestBody) continue;
      for (const body of hostileBodies) {
        expectNoFailure(await send(fill(template), { method, headers: headersOf(alice), body }));
      }
    }
  }, 60_000);

  it('still delivers after all of that', async () => {
    await answer(alice, 'POST', '/messages', newMessage());
    const search = { clientId: randomUUID(), topicId: [topicId], senderId: [alice.did], amount: 20_000 };
    const found = await answer<{ payload: string }[]>(bob, 'POST', '/messages/search', search);
    expect(found.at(-1)?.payload).toBe('{}');
  });

  const fill = (template: string) =>
    template.replaceAll(/\{version\}/g, '1.0.0').replaceAll(/\{\w+\}/g, topicId);
  const schemaOf = (operation: Operation) => operation.requestBody?.content['application/json']?.schema;
  /** The documented example, made to fit what exists. */
  const bodyOf = (operation: Operation): Json => {
    const example = schemaOf(operation)?.examples?.[0] ?? {};
    return {
      ...example,
      ...(typeof example['topicId'] === 'string' ? { topicId, fqcns: [bob.did] } : {}),
      ...(Array.isArray(example['topicId']) ? { topicId: [topicId] } : {}),
      ...('schemaType' in example ? { name: randomUUID() } : {}),
    };
  };
});

/** Status and form are checked already; a 5xx would only pass if the document described it. */
function expectNoFailure(response: Response): void {
  expect([response.url, response.status < 500]).toEqual([response.url, true]);
}
