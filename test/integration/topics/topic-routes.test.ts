// The topic routes as contract §0.4, §0.6 and §5 promise them, through whole instances on NATS and SQLite.

import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  type Broker,
  type BrokerSite,
  createBrokerSite,
  type Participant,
  topicOwner,
} from '../../support/broker';
import { type NatsServer, startNatsServer } from '../../support/nats-server';

jest.setTimeout(30_000);

interface Topic {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly version: string;
  readonly schema: unknown;
  readonly tags: string[];
  readonly deleted: boolean;
}
interface TopicPage {
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly records: Topic[];
}
interface Problem {
  readonly code: string;
  readonly returnCode: string;
  readonly returnMessage: string;
  readonly errors?: { field: string }[];
}

interface Report {
  readonly verdict: string;
  readonly unproven: readonly object[];
}

const xsd = (type: string) =>
  `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:${type}"/></xs:schema>`;
const schemaText = '{"type":"object","properties":{"a":{"type":"string"}}}';

let server: NatsServer;
let site: BrokerSite;
let broker: Broker;
let creator: Participant;
/** Names of this test's topics begin with it. */
let prefix: string;

beforeAll(async () => {
  server = await startNatsServer();
  site = await createBrokerSite();
  broker = site.start({ natsUrl: server.url });
  creator = await broker.logIn();
});
beforeEach(() => {
  prefix = randomUUID();
});
afterAll(async () => {
  await site.close();
  await server.stop();
});

const draft = (changes: object = {}) => ({
  name: prefix,
  owner: topicOwner,
  schemaType: 'JSD7',
  version: '1.0.0',
  schema: schemaText,
  tags: [],
  ...changes,
});

async function create(changes: object = {}): Promise<Topic> {
  const answer = await creator.request<Topic>('POST', '/topics', draft(changes));
  expect(answer.status).toBe(200);
  return answer.body;
}

async function read<Body = Topic>(path: string): Promise<Body> {
  const answer = await creator.request<Body>('GET', path);
  expect(answer.status).toBe(200);
  return answer.body;
}

/** Status, code and legacy code of a refusal. */
async function refusal(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) {
  const answer = await creator.request<Problem>(method, path, body);
  return [answer.status, answer.body.code, answer.body.returnCode];
}

const query = (parameters: Record<string, string | string[]>) =>
  new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    ),
  ).toString();

const listed = (parameters: Record<string, string | string[]>) =>
  read<TopicPage>(`/topics?${query({ owner: topicOwner, ...parameters })}`);

describe('POST /topics', () => {
  test('answers the topic, with its schema as the JSON that the text stood for', async () => {
    const topic = await create({ tags: ['b.1', 'a-2'] });
    expect(topic).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/) as unknown,
      name: prefix,
      owner: topicOwner,
      schemaType: 'JSD7',
      version: '1.0.0',
      schema: JSON.parse(schemaText) as unknown,
      tags: ['b.1', 'a-2'],
      deleted: false,
    });
    expect(await read(`/topics/${topic.id}`)).toEqual(topic);
    expect(await read(`/topics/${topic.id}/versions/1.0.0`)).toEqual(topic);
  });

  test('takes absent and null tags for none', async () => {
    expect((await create({ tags: undefined })).tags).toEqual([]);
    expect((await create({ name: `${prefix}2`, tags: null })).tags).toEqual([]);
  });

  test('says "Record exists" for a live topic of that owner and name, and creates a deleted one again', async () => {
    const { id } = await create();
    const again = await creator.request<Problem>('POST', '/topics', draft());
    expect([again.status, again.body.returnCode, again.body.returnMessage]).toEqual([
      400,
      '51',
      'Record exists',
    ]);
    expect((await creator.request('DELETE', `/topics/${id}`)).status).toBe(200);
    expect((await create()).id).not.toBe(id);
  });

  test('needs a topic creator role of exactly that owner: roles were once compared by substring', async () => {
    for (const owner of [
      'apps.broker.iam.ewc',
      `x${topicOwner}`,
      `${topicOwner}.x`,
      topicOwner.toUpperCase(),
      '*',
    ]) {
      expect(await refusal('POST', '/topics', draft({ owner }))).toEqual([403, 'forbidden', '10']);
    }
  });

  test.each([
    ['a name with white space at an end', { name: ' x' }, 'invalid-parameters', 'name'],
    ['an empty name', { name: '' }, 'invalid-parameters', 'name'],
    ['a long name', { name: 'x'.repeat(256) }, 'invalid-parameters', 'name'],
    ['a name with NUL', { name: 'a\0b' }, 'invalid-parameters', 'name'],
    ['half a character', { name: '\ud800' }, 'invalid-parameters', 'name'],
    ['a number for a name', { name: 5 }, 'invalid-parameters', 'name'],
    ['no schema', { schema: undefined }, 'invalid-parameters', 'schema'],
    ['an object for the schema’s text', { schema: {} }, 'invalid-parameters', 'schema'],
    ['a schema that is no JSON object', { schema: '[]' }, 'invalid-parameters', 'schema'],
    ['a schema that is no JSON', { schema: '{' }, 'invalid-parameters', 'schema'],
    ['version 1.0', { version: '1.0' }, 'invalid-parameters', 'version'],
    ['version v1', { version: 'v1' }, 'invalid-parameters', 'version'],
    ['a long tag', { tags: ['x'.repeat(101)] }, 'invalid-parameters', 'tags/0'],
    ['51 tags', { tags: Array.from({ length: 51 }, (_, index) => `${index}`) }, 'invalid-parameters', 'tags'],
    ['an unknown schema type', { schemaType: 'JSD8' }, 'invalid-parameters', 'schemaType'],
    ['a schema that is none of draft 7', { schema: '{"type":"strng"}' }, 'schema-invalid', '/type'],
    ['a schema that refers elsewhere', { schema: '{"$ref":"http://x.org/y"}' }, 'schema-invalid', '/$ref'],
  ])('refuses %s with the place of the fault', async (_what, changes, code, field) => {
    const answer = await creator.request<Problem>('POST', '/topics', draft(changes));
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.body.errors?.map((fault) => fault.field)).toContain(field);
    expect((await listed({ name: prefix })).count).toBe(0);
  });

  test.each([
    [
      'XSD6',
      '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>',
      '<a',
    ],
    ['XML', '<order/>', 'no XML'],
    ['CSV', '{"fields":[{"name":"a"}]}', '{"fields":[]}'],
    ['TSV', 'a\tb', 'a\ta'],
  ])(
    'takes a schema of type %s that is valid, and refuses one that is not',
    async (schemaType, valid, invalid) => {
      const answer = await creator.request<Topic>('POST', '/topics', draft({ schemaType, schema: valid }));
      expect(answer.status).toBe(200);
      expect(answer.body.schema).toEqual(schemaType === 'CSV' ? JSON.parse(valid) : { [schemaType]: valid });
      expect(await refusal('POST', '/topics', draft({ schemaType, schema: invalid }))).toEqual([
        400,
        'schema-invalid',
        '13',
      ]);
    },
  );

  test('refuses what is no JSON, and what is too large', async () => {
    expect(await refusal('POST', '/topics', '{')).toEqual([400, 'malformed-json', '15']);
    const large = `{"title":"${'x'.repeat(256 * 1024)}"}`;
    expect((await refusal('POST', '/topics', draft({ schema: large })))[0]).toBe(413);
    expect((await refusal('POST', '/topics', draft({ schema: 'x'.repeat(3_000_000) })))[0]).toBe(413);
  });

  test('takes a schema of the greatest size, however it is escaped', async () => {
    const schema = `{"title":"${'ä'.repeat(131_000)}"}`;
    const escaped = JSON.stringify(draft({ schema })).replaceAll('ä', '\\u00e4');
    const answer = await creator.request<Topic>('POST', '/topics', escaped);
    expect(answer.status).toBe(200);
    expect(answer.body.schema).toEqual(JSON.parse(schema));
  });
});

describe('GET /topics', () => {
  test('finds exactly one live topic by owner and name, byte for byte', async () => {
    const { id } = await create();
    await create({ name: `${prefix}.more` });
    const page = await listed({ name: prefix });
    expect(page).toMatchObject({ count: 1, page: 1 });
    expect(page.records.map((topic) => topic.id)).toEqual([id]);
    expect((await listed({ name: prefix.toUpperCase() })).records).toEqual([]);
    expect((await listed({ name: prefix.slice(1) })).records).toEqual([]);
    expect((await listed({ owner: `"${topicOwner}"`, name: prefix })).count).toBe(1);
    expect(await listed({ owner: 'nobody', name: prefix })).toEqual({
      count: 0,
      limit: 0,
      page: 1,
      records: [],
    });
  });

  test('pages, and answers a page past the end with no records', async () => {
    const tags = [prefix];
    for (const name of ['b', 'a', 'c']) await create({ name: `${prefix}.${name}`, tags });
    const names = async (parameters: Record<string, string>) =>
      (await listed({ tags, ...parameters })).records.map(({ name }) => name.slice(prefix.length + 1));
    expect(await names({})).toEqual(['a', 'b', 'c']);
    expect(await names({ limit: '2' })).toEqual(['a', 'b']);
    expect(await names({ limit: '2', page: '2' })).toEqual(['c']);
    expect(await names({ limit: '2', page: '3' })).toEqual([]);
    expect(await names({ limit: '10000', page: '999999999999999' })).toEqual([]);
    expect(await listed({ tags, limit: '2', page: '2' })).toMatchObject({ count: 3, limit: 2, page: 2 });
    expect(await listed({ tags })).toMatchObject({ count: 3, limit: 3, page: 1 });
  });

  test.each([
    'limit=0',
    'limit=-1',
    'limit=1000000',
    'limit=1.5',
    'limit=x',
    'page=0',
    'page=-1',
    'limit=1&page=0',
  ])('refuses %s', async (parameters) => {
    expect(await refusal('GET', `/topics?${parameters}`)).toEqual([400, 'invalid-parameters', '17']);
  });

  test('refuses a page greater than 1 without limit', async () => {
    expect(await refusal('GET', '/topics?page=2')).toEqual([400, 'page-without-limit', '14']);
    expect((await creator.request('GET', '/topics?page=1')).status).toBe(200);
  });

  test('lets several tags all match, and names deleted topics only when asked', async () => {
    const { id } = await create({ tags: [prefix, 'x.y'] });
    await create({ name: `${prefix}2`, tags: [prefix] });
    expect((await listed({ tags: [prefix, 'x.y'] })).records.map((topic) => topic.id)).toEqual([id]);
    await creator.request('DELETE', `/topics/${id}`);
    expect((await listed({ tags: [prefix, 'x.y'] })).records).toEqual([]);
    const all = await listed({ tags: [prefix, 'x.y'], includeDeleted: 'true' });
    expect(all.records.map((topic) => [topic.id, topic.deleted])).toEqual([[id, true]]);
  });
});

describe('the literal paths', () => {
  test('search finds keywords in names and tags', async () => {
    const { id } = await create({ tags: ['Solar'] });
    const found = async (parameters: Record<string, string>) =>
      (await read<TopicPage>(`/topics/search?${query(parameters)}`)).records.map((topic) => topic.id);
    expect(await found({ keyword: prefix.slice(4).toUpperCase() })).toEqual([id]);
    expect(await found({ keyword: 'sOLAR', owner: topicOwner })).toContain(id);
    expect(await found({ keyword: prefix, owner: 'nobody' })).toEqual([]);
    expect(await found({ keyword: `${prefix}%` })).toEqual([]);
  });

  test('count and monitor speak of the owners asked for', async () => {
    await create();
    const owners = query({ owner: [topicOwner, 'nobody'] });
    const counts = await read<{ owner: string; count: number }[]>(`/topics/count?${owners}`);
    expect(counts).toEqual([
      { owner: topicOwner, count: expect.any(Number) },
      { owner: 'nobody', count: 0 },
    ]);
    const monitored = query({ namespaceList: [`"${topicOwner}"`, 'nobody'] });
    const before = Date.now() - 60_000;
    const updates = await read<Record<string, number | string>[]>(`/topics/topicUpdatesMonitor?${monitored}`);
    expect(updates).toHaveLength(1);
    expect(updates[0]?.['owner']).toBe(topicOwner);
    expect(updates[0]?.['lastTopicUpdate']).toBeGreaterThan(before);
    expect(updates[0]?.['lastTopicVersionUpdate']).toBeGreaterThan(before);
    expect(await read('/topics/count')).toEqual([]);
    expect(await read('/topics/topicUpdatesMonitor')).toEqual([]);
  });
});

describe('versions', () => {
  const put = (id: string, version: string, schema: string) =>
    creator.request<Topic & Problem>('PUT', `/topics/${id}/versions/${version}`, { schema });

  test('are immutable: the same schema again is nothing, another one a conflict', async () => {
    const { id } = await create();
    expect((await put(id, '1.1.0', '{"b":1,"a":[1]}')).status).toBe(200);
    expect((await put(id, '1.1.0', '{ "a" : [1], "b" : 1.0 }')).status).toBe(200);
    const conflict = await put(id, '1.1.0', '{"b":1,"a":[2]}');
    expect([conflict.status, conflict.body.returnCode]).toEqual([409, '51']);
    expect((await read(`/topics/${id}/versions/1.1.0`)).schema).toEqual({ b: 1, a: [1] });
    expect((await read(`/topics/${id}`)).version).toBe('1.1.0');
  });

  test('are listed from the highest, and the latest is the highest by precedence', async () => {
    const { id } = await create({ version: '1.10.0-rc.1' });
    for (const version of ['1.9.0', '1.10.0', '1.10.0-rc.2'])
      await put(id, version, `{"title":"${version}"}`);
    const page = await read<TopicPage>(`/topics/${id}/versions`);
    expect(page.records.map(({ version }) => version)).toEqual([
      '1.10.0',
      '1.10.0-rc.2',
      '1.10.0-rc.1',
      '1.9.0',
    ]);
    const second = await read<TopicPage>(`/topics/${id}/versions?limit=3&page=2`);
    expect(second).toMatchObject({ count: 4, limit: 3, page: 2 });
    expect(second.records.map(({ version }) => version)).toEqual(['1.9.0']);
    expect((await read(`/topics/${id}`)).version).toBe('1.10.0');
  });

  test('keep their number when they are deleted, and the last one takes the topic with it', async () => {
    const { id } = await create();
    await put(id, '1.1.0+build.5', '{}');
    const ended = await creator.request<Problem>(
      'DELETE',
      `/topics/${id}/versions/${encodeURIComponent('1.1.0+build.5')}`,
    );
    expect([ended.status, ended.body.returnCode, ended.body.returnMessage]).toEqual([200, '00', 'Success']);
    expect((await put(id, '1.1.0+build.5', '{}')).status).toBe(409);
    expect(await refusal('GET', `/topics/${id}/versions/1.1.0+build.5`)).toEqual([
      404,
      'topic-not-found',
      '50',
    ]);
    expect((await read(`/topics/${id}/versions/1.1.0+build.5?includeDeleted=true`)).deleted).toBe(true);
    expect((await read<TopicPage>(`/topics/${id}/versions`)).count).toBe(1);
    expect((await read<TopicPage>(`/topics/${id}/versions?includeDeleted=true`)).count).toBe(2);
    expect((await creator.request('DELETE', `/topics/${id}/versions/1.0.0`)).status).toBe(200);
    expect(await refusal('GET', `/topics/${id}`)).toEqual([404, 'topic-not-found', '50']);
    expect(await refusal('GET', `/topics/${id}/versions`)).toEqual([404, 'topic-not-found', '50']);
    expect((await read<TopicPage>(`/topics/${id}/versions?includeDeleted=true`)).count).toBe(2);
    expect((await put(id, '2.0.0', '{}')).status).toBe(404);
    expect(await refusal('DELETE', `/topics/${id}`)).toEqual([404, 'topic-not-found', '50']);
  });

  test.each(['1.0', 'v1', '01.0.0', '%00', '*', '..%2f..', '%F0%9F%98%80', 'x'.repeat(5_000)])(
    'have semantic versions, not %s',
    async (version) => {
      const { id } = await create();
      for (const [method, body] of [
        ['GET', undefined],
        ['PUT', { schema: '{}' }],
        ['DELETE', undefined],
      ] as const) {
        const [status, code] = await refusal(method, `/topics/${id}/versions/${version}`, body);
        expect([status, code]).toEqual([400, 'invalid-parameters']);
      }
    },
  );
});

describe('changing topics', () => {
  test('replaces the tags, and nothing else', async () => {
    const topic = await create({ tags: ['old'] });
    const changed = await creator.request<Topic>('PUT', `/topics/${topic.id}`, { tags: ['new', 'new', 'N'] });
    expect(changed.body).toEqual({ ...topic, tags: ['new', 'N'] });
    expect(await read(`/topics/${topic.id}`)).toEqual(changed.body);
    expect((await creator.request<Topic>('PUT', `/topics/${topic.id}`, {})).body).toEqual(changed.body);
  });

  test('is for the creators of its owner, and for all others forbidden', async () => {
    const stranger = site.start({
      natsUrl: server.url,
      settings: { TOPIC_CREATOR_ROLE_PATTERN: 'nobody.roles.*' },
    });
    const { id } = await create();
    const other = await stranger.logIn();
    for (const [method, path, body] of [
      ['PUT', `/topics/${id}`, { tags: ['x'] }],
      ['PUT', `/topics/${id}/versions/2.0.0`, { schema: '{}' }],
      ['DELETE', `/topics/${id}`, undefined],
      ['DELETE', `/topics/${id}/versions/1.0.0`, undefined],
    ] as const) {
      const answer = await other.request<Problem>(method, path, body);
      expect([answer.status, answer.body.returnCode]).toEqual([403, '10']);
    }
    expect((await other.request('GET', `/topics/${id}`)).status).toBe(200);
  });

  test('overwrites nothing unseen when it is told what was seen', async () => {
    const { id } = await create();
    const change = (method: 'PUT' | 'DELETE', path: string, body: unknown, ifMatch: string) =>
      creator.request(method, path, body, undefined, { 'if-match': ifMatch });
    const seen = (await creator.request('GET', `/topics/${id}`)).headers.get('etag') ?? '';
    const changed = await change('PUT', `/topics/${id}`, { tags: ['a'] }, seen);
    expect(changed.status).toBe(200);
    const next = changed.headers.get('etag') ?? '';
    expect(next).not.toBe(seen);
    for (const [method, body] of [
      ['PUT', { tags: ['b'] }],
      ['DELETE', undefined],
    ] as const) {
      const refused = await change(method, `/topics/${id}`, body, seen);
      expect([refused.status, (refused.body as Problem).code]).toEqual([412, 'precondition-failed']);
    }
    const path = `/topics/${id}/versions/1.0.0`;
    const version = (await creator.request('GET', path)).headers.get('etag') ?? '';
    expect((await change('PUT', path, { schema: schemaText }, version)).status).toBe(200);
    expect((await change('PUT', `/topics/${id}/versions/2.0.0`, { schema: '{}' }, '*')).status).toBe(412);
    expect((await change('DELETE', path, undefined, '"other"')).status).toBe(412);
    expect((await change('DELETE', `/topics/${id}`, undefined, next)).status).toBe(200);
  });

  test('counts at once on this instance and within seconds on another one for sending', async () => {
    const other = site.start({ natsUrl: server.url });
    const message = (topicId: string) => ({
      fqcns: [creator.did],
      payload: '{}',
      topicId,
      topicVersion: '1.0.0',
      signature: 's',
      clientGatewayMessageId: randomUUID(),
      payloadEncryption: false,
    });
    const { id } = await create();
    const elsewhere = creator.at(other);
    expect((await creator.request('POST', '/messages', message(id))).status).toBe(200);
    expect((await elsewhere.request('POST', '/messages', message(id))).status).toBe(200);
    await creator.request('DELETE', `/topics/${id}`);
    const deletedAt = Date.now();
    expect((await creator.request('POST', '/messages', message(id))).status).toBe(404);
    let askedAt = deletedAt;
    let status = 200;
    while (status === 200 && askedAt - deletedAt < 5_000) {
      // What was asked later than that is not to be accepted.
      askedAt = Date.now();
      status = (await elsewhere.request('POST', '/messages', message(id))).status;
    }
    expect(status).toBe(404);
  });

  test.each([
    '0'.repeat(24),
    'A'.repeat(24),
    'x',
    '*',
    '%00'.repeat(1),
    "'%3B--",
    '%F0%9F%98%80',
    'x'.repeat(10_000),
  ])('finds no topic of the id %s', async (id) => {
    for (const [method, path, body] of [
      ['GET', `/topics/${id}`, undefined],
      ['PUT', `/topics/${id}`, { tags: [] }],
      ['DELETE', `/topics/${id}`, undefined],
      ['GET', `/topics/${id}/versions`, undefined],
      ['GET', `/topics/${id}/versions/1.0.0`, undefined],
      ['PUT', `/topics/${id}/versions/1.0.0`, { schema: '{}' }],
      ['DELETE', `/topics/${id}/versions/1.0.0`, undefined],
    ] as const) {
      const [status] = await refusal(method, path, body);
      expect(status).toBe(id === '%00' ? 400 : 404);
    }
  });
});

describe('the options of a topic', () => {
  test('name a retention class of those that are configured, until it is taken back', async () => {
    const { id } = await create();
    const put = (retentionClass: unknown) =>
      creator.request<Topic>('PUT', `/topics/${id}`, { retentionClass });
    expect((await put('7d')).body).toMatchObject({ id, tags: [], retentionClass: '7d' });
    expect((await creator.request('GET', `/topics/${id}`)).body).toMatchObject({ retentionClass: '7d' });
    expect(await refusal('PUT', `/topics/${id}`, { retentionClass: '2d' })).toEqual([
      400,
      'invalid-parameters',
      '17',
    ]);
    expect((await put('')).body).not.toHaveProperty('retentionClass');
  });
});

describe('the compatibility mode of a topic', () => {
  const integer = '{"type":"object","properties":{"a":{"type":"integer"}}}';
  const number = '{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"string"}}}';
  const required = '{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}';
  const dated =
    '{"type":"object","properties":{"a":{"type":"integer"},"d":{"type":"string","pattern":"^(x|x)$"}}}';
  const dated2 =
    '{"type":"object","properties":{"a":{"type":"integer"},"d":{"type":"string","pattern":"^x$"}}}';
  const choose = (id: string, compatibility: unknown) =>
    creator.request<{ compatibility?: unknown }>('PUT', `/topics/${id}`, { compatibility });
  const publish = (id: string, version: string, schema: string) =>
    creator.request<Problem>('PUT', `/topics/${id}/versions/${version}`, { schema });
  const ask = (id: string, body: object) =>
    creator.request<Report>('POST', `/topics/${id}/compatibility`, body);

  test('is kept, and shown as it was sent', async () => {
    const { id } = await create();
    expect((await creator.request('GET', `/topics/${id}`)).body).not.toHaveProperty('compatibility');
    const full = { mode: 'FULL', unknownProperties: 'produced' };
    for (const [sent, shown] of [
      ['BACKWARD_TRANSITIVE', 'BACKWARD_TRANSITIVE'],
      [full, full],
      [{ mode: 'FORWARD' }, 'FORWARD'],
      ['NONE', undefined],
    ]) {
      expect((await choose(id, sent)).body.compatibility).toEqual(shown);
    }
    for (const wrong of ['SIDEWARD', { mode: 'backward' }, { mode: 'FULL', unknownProperties: 'maybe' }]) {
      expect(await refusal('PUT', `/topics/${id}`, { compatibility: wrong })).toEqual([
        400,
        'invalid-parameters',
        '17',
      ]);
    }
  });

  test('refuses a version that breaks with the latest live one, with a witness', async () => {
    const { id } = await create({ schema: integer });
    await choose(id, 'BACKWARD');
    const better = await publish(id, '1.1.0', number);
    expect([better.status, better.headers.get('x-ddhub-compatibility')]).toEqual([200, 'compatible']);
    const worse = await publish(id, '1.2.0', required);
    expect([worse.status, worse.body.code, worse.body.returnCode]).toEqual([
      409,
      'version-incompatible',
      '13',
    ]);
    expect(worse.body.errors).toEqual([
      { field: '/required', message: expect.stringMatching(/version 1\.1\.0 accepts it: \{/) },
    ]);
    // The same again is nothing new, and what is not required by the mode is not asked.
    expect((await publish(id, '1.1.0', number)).status).toBe(200);
    await choose(id, 'FORWARD');
    expect((await publish(id, '1.2.0', required)).status).toBe(200);
    expect((await creator.request('GET', `/topics/${id}/versions/1.2.0`)).status).toBe(200);
  });

  test('compares with every live version when it is transitive', async () => {
    const { id } = await create({ schema: number });
    expect((await publish(id, '2.0.0', required)).headers.get('x-ddhub-compatibility')).toBe('not-compared');
    expect((await ask(id, { schema: required, mode: 'BACKWARD' })).body).toMatchObject({
      verdict: 'compatible',
    });
    expect((await ask(id, { schema: required, mode: 'BACKWARD_TRANSITIVE' })).body).toMatchObject({
      mode: 'BACKWARD_TRANSITIVE',
      verdict: 'incompatible',
      findings: [{ pointer: '/required', acceptedBy: 'old', version: '1.0.0', witness: expect.any(String) }],
      unproven: [],
    });
    expect((await creator.request('DELETE', `/topics/${id}/versions/1.0.0`)).status).toBe(200);
    expect((await ask(id, { schema: required, mode: 'FULL_TRANSITIVE' })).body.verdict).toBe('compatible');
  });

  test('lets a version pass of which nothing is known, and says so', async () => {
    const { id } = await create({ schema: dated });
    await choose(id, 'BACKWARD');
    const report = (await ask(id, { schema: dated2 })).body;
    expect(report).toMatchObject({ mode: 'BACKWARD', verdict: 'unknown', findings: [] });
    expect(report.unproven).toEqual([
      { pointer: '/properties/d/pattern', reason: expect.any(String), version: '1.0.0' },
    ]);
    const answer = await publish(id, '1.1.0', dated2);
    expect([answer.status, answer.headers.get('x-ddhub-compatibility')]).toEqual([200, 'unknown']);
  });

  test('counts unknown properties when the topic says so', async () => {
    const { id } = await create({ schema: integer });
    expect((await ask(id, { schema: number, mode: 'BACKWARD' })).body.verdict).toBe('compatible');
    await choose(id, { mode: 'BACKWARD', unknownProperties: 'produced' });
    expect((await ask(id, { schema: number })).body).toMatchObject({
      verdict: 'incompatible',
      findings: [{ pointer: '/properties/b/type' }],
    });
    expect((await ask(id, { schema: number, unknownProperties: 'ignored' })).body.verdict).toBe('compatible');
  });

  test.each([
    ['CSV', 'a,b', 'a,b,c', 'incompatible'],
    [
      'TSV',
      '{"fields":[{"name":"a","type":"integer"}]}',
      '{"fields":[{"name":"a","type":"number"}]}',
      'compatible',
    ],
    ['XSD6', xsd('int'), xsd('string'), 'unknown'],
    ['XML', '<a/>', '<a><b/></a>', 'unknown'],
  ])('is judged for %s', async (schemaType, schema, changed, verdict) => {
    const { id } = await create({ schemaType, schema });
    expect((await ask(id, { schema: changed, mode: 'BACKWARD' })).body.verdict).toBe(verdict);
  });

  test('refuses to try what could not be published', async () => {
    const { id } = await create();
    const path = `/topics/${id}/compatibility`;
    expect(await refusal('POST', path, { schema: '{"type":"text"}' })).toEqual([400, 'schema-invalid', '13']);
    expect(await refusal('POST', path, { schema: '{}', mode: 'SOME' })).toEqual([
      400,
      'invalid-parameters',
      '17',
    ]);
    expect((await refusal('POST', `/topics/${'0'.repeat(24)}/compatibility`, { schema: '{}' }))[0]).toBe(404);
  });

  test('holds however many publish at once', async () => {
    const { id } = await create({ schema: integer });
    await choose(id, 'FULL_TRANSITIVE');
    const types = ['string', 'null', 'boolean', 'array'];
    const answers = await Promise.all(
      types.map((type, index) =>
        publish(id, `2.${index}.0`, `{"properties":{"new":{"type":"${type}"}},"required":["new"]}`),
      ),
    );
    // Each of them breaks with the first version.
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    const wide = await create({ name: `${prefix}-wide`, schema: '{}' });
    await choose(wide.id, 'FULL_TRANSITIVE');
    const rivals = await Promise.all(
      types.map((type, index) =>
        publish(wide.id, `2.${index}.0`, `{"properties":{"new":{"type":"${type}"}}}`),
      ),
    );
    // Any one of them may be there first; it alone can.
    expect(rivals.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

describe('a version', () => {
  test('tells whether a payload matches it, without publishing', async () => {
    const { id } = await create({ schema: '{"type":"object","required":["a"]}' });
    const check = (payload: string) =>
      creator.request('POST', `/topics/${id}/versions/1.0.0/validate`, { payload });
    expect((await check('{"a":1}')).body).toEqual({ valid: true, errors: [] });
    expect((await check('{}')).body).toMatchObject({ valid: false, errors: [{ field: '' }] });
    expect((await check('no json')).body).toMatchObject({ valid: false });
    expect((await refusal('POST', `/topics/${id}/versions/9.0.0/validate`, { payload: '' }))[0]).toBe(404);
  });

  test('that is deprecated says so to those who publish to it, and is refused after its sunset', async () => {
    const { id } = await create();
    const url = `/topics/${id}/versions/1.0.0/deprecation`;
    const message = {
      ...{ fqcns: [], payload: '{}', topicId: id, topicVersion: '1.0.0', signature: 's' },
      ...{ clientGatewayMessageId: randomUUID(), payloadEncryption: false },
    };
    const publish = () => creator.request('POST', '/messages', message);
    expect((await publish()).headers.get('deprecation')).toBeNull();
    for (const sunset of ['tomorrow', '2020-01-01T00:00:00Z', '2027-01-01']) {
      expect(await refusal('PUT', url, { sunset })).toEqual([400, 'invalid-parameters', '17']);
    }
    expect((await creator.request('PUT', url, { sunset: '2999-01-01T00:00:00Z' })).status).toBe(200);
    const answer = await publish();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('deprecation')).toMatch(/^@\d{10}$/);
    expect(answer.headers.get('sunset')).toBe('Tue, 01 Jan 2999 00:00:00 GMT');

    let aheadMs = 0;
    const later = site.start({ natsUrl: server.url, clock: () => Date.now() + aheadMs });
    const there = await later.logIn();
    const sunset = new Date(Date.now() + 60_000).toISOString();
    expect((await there.request('PUT', url, { sunset })).status).toBe(200);
    expect((await there.request('POST', '/messages', message)).status).toBe(200);
    aheadMs = 60_000;
    const refused = await there.request<Problem>('POST', '/messages', message);
    expect([refused.status, refused.body.code]).toEqual([410, 'version-sunset']);
  });
});
