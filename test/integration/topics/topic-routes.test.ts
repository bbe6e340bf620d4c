// The topic routes as contract §0.4, §0.6 and §5 promise them, through whole instances on NATS and SQLite.

import { describe, expect, test } from '@jest/globals';
import { topicOwner } from '../../support/broker';
import {
  type Problem,
  query,
  schemaText,
  type Topic,
  type TopicPage,
  topicSiteForTests,
} from '../../support/topic-site';

const topics = topicSiteForTests();

describe('POST /topics', () => {
  test('answers the topic, with its schema as the JSON that the text stood for', async () => {
    const topic = await topics().create({ tags: ['b.1', 'a-2'] });
    expect(topic).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{24}$/) as unknown,
      name: topics().prefix,
      owner: topicOwner,
      schemaType: 'JSD7',
      version: '1.0.0',
      schema: JSON.parse(schemaText) as unknown,
      tags: ['b.1', 'a-2'],
      deleted: false,
    });
    expect(await topics().read(`/topics/${topic.id}`)).toEqual(topic);
    expect(await topics().read(`/topics/${topic.id}/versions/1.0.0`)).toEqual(topic);
  });

  test('takes absent and null tags for none', async () => {
    expect((await topics().create({ tags: undefined })).tags).toEqual([]);
    expect((await topics().create({ name: `${topics().prefix}2`, tags: null })).tags).toEqual([]);
  });

  test('says "Record exists" for a live topic of that owner and name, and creates a deleted one again', async () => {
    const { id } = await topics().create();
    const again = await topics().creator.request<Problem>('POST', '/topics', topics().draft());
    expect([again.status, again.body.returnCode, again.body.returnMessage]).toEqual([
      400,
      '51',
      'Record exists',
    ]);
    expect((await topics().creator.request('DELETE', `/topics/${id}`)).status).toBe(200);
    expect((await topics().create()).id).not.toBe(id);
  });

  test('needs a topic topics.creator role of exactly that owner: roles were once compared by substring', async () => {
    for (const owner of [
      'apps.broker.iam.ewc',
      `x${topicOwner}`,
      `${topicOwner}.x`,
      topicOwner.toUpperCase(),
      '*',
    ]) {
      expect(await topics().refusal('POST', '/topics', topics().draft({ owner }))).toEqual([
        403,
        'forbidden',
        '10',
      ]);
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
    const answer = await topics().creator.request<Problem>('POST', '/topics', topics().draft(changes));
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.body.errors?.map((fault) => fault.field)).toContain(field);
    expect((await topics().listed({ name: topics().prefix })).count).toBe(0);
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
      const answer = await topics().creator.request<Topic>(
        'POST',
        '/topics',
        topics().draft({ schemaType, schema: valid }),
      );
      expect(answer.status).toBe(200);
      expect(answer.body.schema).toEqual(schemaType === 'CSV' ? JSON.parse(valid) : { [schemaType]: valid });
      expect(
        await topics().refusal('POST', '/topics', topics().draft({ schemaType, schema: invalid })),
      ).toEqual([400, 'schema-invalid', '13']);
    },
  );

  test('refuses what is no JSON, and what is too large', async () => {
    expect(await topics().refusal('POST', '/topics', '{')).toEqual([400, 'malformed-json', '15']);
    const large = `{"title":"${'x'.repeat(256 * 1024)}"}`;
    expect((await topics().refusal('POST', '/topics', topics().draft({ schema: large })))[0]).toBe(413);
    expect(
      (await topics().refusal('POST', '/topics', topics().draft({ schema: 'x'.repeat(3_000_000) })))[0],
    ).toBe(413);
  });

  test('takes a schema of the greatest size, however it is escaped', async () => {
    const schema = `{"title":"${'ä'.repeat(131_000)}"}`;
    const escaped = JSON.stringify(topics().draft({ schema })).replaceAll('ä', '\\u00e4');
    const answer = await topics().creator.request<Topic>('POST', '/topics', escaped);
    expect(answer.status).toBe(200);
    expect(answer.body.schema).toEqual(JSON.parse(schema));
  });
});

describe('GET /topics', () => {
  test('finds exactly one live topic by owner and name, byte for byte', async () => {
    const { id } = await topics().create();
    await topics().create({ name: `${topics().prefix}.more` });
    const page = await topics().listed({ name: topics().prefix });
    expect(page).toMatchObject({ count: 1, page: 1 });
    expect(page.records.map((topic) => topic.id)).toEqual([id]);
    expect((await topics().listed({ name: topics().prefix.toUpperCase() })).records).toEqual([]);
    expect((await topics().listed({ name: topics().prefix.slice(1) })).records).toEqual([]);
    expect((await topics().listed({ owner: `"${topicOwner}"`, name: topics().prefix })).count).toBe(1);
    expect(await topics().listed({ owner: 'nobody', name: topics().prefix })).toEqual({
      count: 0,
      limit: 0,
      page: 1,
      records: [],
    });
  });

  test('pages, and answers a page past the end with no records', async () => {
    const tags = [topics().prefix];
    for (const name of ['b', 'a', 'c']) await topics().create({ name: `${topics().prefix}.${name}`, tags });
    const names = async (parameters: Record<string, string>) =>
      (await topics().listed({ tags, ...parameters })).records.map(({ name }) =>
        name.slice(topics().prefix.length + 1),
      );
    expect(await names({})).toEqual(['a', 'b', 'c']);
    expect(await names({ limit: '2' })).toEqual(['a', 'b']);
    expect(await names({ limit: '2', page: '2' })).toEqual(['c']);
    expect(await names({ limit: '2', page: '3' })).toEqual([]);
    expect(await names({ limit: '10000', page: '999999999999999' })).toEqual([]);
    expect(await topics().listed({ tags, limit: '2', page: '2' })).toMatchObject({
      count: 3,
      limit: 2,
      page: 2,
    });
    expect(await topics().listed({ tags })).toMatchObject({ count: 3, limit: 3, page: 1 });
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
    expect(await topics().refusal('GET', `/topics?${parameters}`)).toEqual([400, 'invalid-parameters', '17']);
  });

  test('refuses a page greater than 1 without limit', async () => {
    expect(await topics().refusal('GET', '/topics?page=2')).toEqual([400, 'page-without-limit', '14']);
    expect((await topics().creator.request('GET', '/topics?page=1')).status).toBe(200);
  });

  test('lets several tags all match, and names deleted topics only when asked', async () => {
    const { id } = await topics().create({ tags: [topics().prefix, 'x.y'] });
    await topics().create({ name: `${topics().prefix}2`, tags: [topics().prefix] });
    expect(
      (await topics().listed({ tags: [topics().prefix, 'x.y'] })).records.map((topic) => topic.id),
    ).toEqual([id]);
    await topics().creator.request('DELETE', `/topics/${id}`);
    expect((await topics().listed({ tags: [topics().prefix, 'x.y'] })).records).toEqual([]);
    const all = await topics().listed({ tags: [topics().prefix, 'x.y'], includeDeleted: 'true' });
    expect(all.records.map((topic) => [topic.id, topic.deleted])).toEqual([[id, true]]);
  });
});

describe('the literal paths', () => {
  test('search finds keywords in names and tags', async () => {
    const { id } = await topics().create({ tags: ['Solar'] });
    const found = async (parameters: Record<string, string>) =>
      (await topics().read<TopicPage>(`/topics/search?${query(parameters)}`)).records.map(
        (topic) => topic.id,
      );
    expect(await found({ keyword: topics().prefix.slice(4).toUpperCase() })).toEqual([id]);
    expect(await found({ keyword: 'sOLAR', owner: topicOwner })).toContain(id);
    expect(await found({ keyword: topics().prefix, owner: 'nobody' })).toEqual([]);
    expect(await found({ keyword: `${topics().prefix}%` })).toEqual([]);
  });

  test('count and monitor speak of the owners asked for', async () => {
    await topics().create();
    const owners = query({ owner: [topicOwner, 'nobody'] });
    const counts = await topics().read<{ owner: string; count: number }[]>(`/topics/count?${owners}`);
    expect(counts).toEqual([
      { owner: topicOwner, count: expect.any(Number) },
      { owner: 'nobody', count: 0 },
    ]);
    const monitored = query({ namespaceList: [`"${topicOwner}"`, 'nobody'] });
    const before = Date.now() - 60_000;
    const updates = await topics().read<Record<string, number | string>[]>(
      `/topics/topicUpdatesMonitor?${monitored}`,
    );
    expect(updates).toHaveLength(1);
    expect(updates[0]?.['owner']).toBe(topicOwner);
    expect(updates[0]?.['lastTopicUpdate']).toBeGreaterThan(before);
    expect(updates[0]?.['lastTopicVersionUpdate']).toBeGreaterThan(before);
    expect(await topics().read('/topics/count')).toEqual([]);
    expect(await topics().read('/topics/topicUpdatesMonitor')).toEqual([]);
  });
});
