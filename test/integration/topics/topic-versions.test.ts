// Versions of topics (contract §5), through whole instances on NATS and SQLite.

import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Problem, type Topic, type TopicPage, topicSiteForTests } from '../../support/topic-site';

const topics = topicSiteForTests();

describe('versions', () => {
  const put = (id: string, version: string, schema: string) =>
    topics().creator.request<Topic & Problem>('PUT', `/topics/${id}/versions/${version}`, { schema });

  test('are immutable: the same schema again is nothing, another one a conflict', async () => {
    const { id } = await topics().create();
    expect((await put(id, '1.1.0', '{"b":1,"a":[1]}')).status).toBe(200);
    expect((await put(id, '1.1.0', '{ "a" : [1], "b" : 1.0 }')).status).toBe(200);
    const conflict = await put(id, '1.1.0', '{"b":1,"a":[2]}');
    expect([conflict.status, conflict.body.returnCode]).toEqual([409, '51']);
    expect((await topics().read(`/topics/${id}/versions/1.1.0`)).schema).toEqual({ b: 1, a: [1] });
    expect((await topics().read(`/topics/${id}`)).version).toBe('1.1.0');
  });

  test('are listed from the highest, and the latest is the highest by precedence', async () => {
    const { id } = await topics().create({ version: '1.10.0-rc.1' });
    for (const version of ['1.9.0', '1.10.0', '1.10.0-rc.2'])
      await put(id, version, `{"title":"${version}"}`);
    const page = await topics().read<TopicPage>(`/topics/${id}/versions`);
    expect(page.records.map(({ version }) => version)).toEqual([
      '1.10.0',
      '1.10.0-rc.2',
      '1.10.0-rc.1',
      '1.9.0',
    ]);
    const second = await topics().read<TopicPage>(`/topics/${id}/versions?limit=3&page=2`);
    expect(second).toMatchObject({ count: 4, limit: 3, page: 2 });
    expect(second.records.map(({ version }) => version)).toEqual(['1.9.0']);
    expect((await topics().read(`/topics/${id}`)).version).toBe('1.10.0');
  });

  test('keep their number when they are deleted, and the last one takes the topic with it', async () => {
    const { id } = await topics().create();
    await put(id, '1.1.0+build.5', '{}');
    const ended = await topics().creator.request<Problem>(
      'DELETE',
      `/topics/${id}/versions/${encodeURIComponent('1.1.0+build.5')}`,
    );
    expect([ended.status, ended.body.returnCode, ended.body.returnMessage]).toEqual([200, '00', 'Success']);
    expect((await put(id, '1.1.0+build.5', '{}')).status).toBe(409);
    expect(await topics().refusal('GET', `/topics/${id}/versions/1.1.0+build.5`)).toEqual([
      404,
      'topic-not-found',
      '50',
    ]);
    expect((await topics().read(`/topics/${id}/versions/1.1.0+build.5?includeDeleted=true`)).deleted).toBe(
      true,
    );
    expect((await topics().read<TopicPage>(`/topics/${id}/versions`)).count).toBe(1);
    expect((await topics().read<TopicPage>(`/topics/${id}/versions?includeDeleted=true`)).count).toBe(2);
    expect((await topics().creator.request('DELETE', `/topics/${id}/versions/1.0.0`)).status).toBe(200);
    expect(await topics().refusal('GET', `/topics/${id}`)).toEqual([404, 'topic-not-found', '50']);
    expect(await topics().refusal('GET', `/topics/${id}/versions`)).toEqual([404, 'topic-not-found', '50']);
    expect((await topics().read<TopicPage>(`/topics/${id}/versions?includeDeleted=true`)).count).toBe(2);
    expect((await put(id, '2.0.0', '{}')).status).toBe(404);
    expect(await topics().refusal('DELETE', `/topics/${id}`)).toEqual([404, 'topic-not-found', '50']);
  });

  test.each(['1.0', 'v1', '01.0.0', '%00', '*', '..%2f..', '%F0%9F%98%80', 'x'.repeat(5_000)])(
    'have semantic versions, not %s',
    async (version) => {
      const { id } = await topics().create();
      for (const [method, body] of [
        ['GET', undefined],
        ['PUT', { schema: '{}' }],
        ['DELETE', undefined],
      ] as const) {
        const [status, code] = await topics().refusal(method, `/topics/${id}/versions/${version}`, body);
        expect([status, code]).toEqual([400, 'invalid-parameters']);
      }
    },
  );
});

describe('a version', () => {
  test('tells whether a payload matches it, without publishing', async () => {
    const { id } = await topics().create({ schema: '{"type":"object","required":["a"]}' });
    const check = (payload: string) =>
      topics().creator.request('POST', `/topics/${id}/versions/1.0.0/validate`, { payload });
    expect((await check('{"a":1}')).body).toEqual({ valid: true, errors: [] });
    expect((await check('{}')).body).toMatchObject({ valid: false, errors: [{ field: '' }] });
    expect((await check('no json')).body).toMatchObject({ valid: false });
    expect(
      (await topics().refusal('POST', `/topics/${id}/versions/9.0.0/validate`, { payload: '' }))[0],
    ).toBe(404);
  });

  test('that is deprecated says so to those who publish to it, and is refused after its sunset', async () => {
    const { id } = await topics().create();
    const url = `/topics/${id}/versions/1.0.0/deprecation`;
    const message = {
      ...{ fqcns: [], payload: '{}', topicId: id, topicVersion: '1.0.0', signature: 's' },
      ...{ clientGatewayMessageId: randomUUID(), payloadEncryption: false },
    };
    const publish = () => topics().creator.request('POST', '/messages', message);
    expect((await publish()).headers.get('deprecation')).toBeNull();
    for (const sunset of ['tomorrow', '2020-01-01T00:00:00Z', '2027-01-01']) {
      expect(await topics().refusal('PUT', url, { sunset })).toEqual([400, 'invalid-parameters', '17']);
    }
    expect((await topics().creator.request('PUT', url, { sunset: '2999-01-01T00:00:00Z' })).status).toBe(200);
    const answer = await publish();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('deprecation')).toMatch(/^@\d{10}$/);
    expect(answer.headers.get('sunset')).toBe('Tue, 01 Jan 2999 00:00:00 GMT');

    let aheadMs = 0;
    const later = topics().site.start({ natsUrl: topics().server.url, clock: () => Date.now() + aheadMs });
    const there = await later.logIn();
    const sunset = new Date(Date.now() + 60_000).toISOString();
    expect((await there.request('PUT', url, { sunset })).status).toBe(200);
    expect((await there.request('POST', '/messages', message)).status).toBe(200);
    aheadMs = 60_000;
    const refused = await there.request<Problem>('POST', '/messages', message);
    expect([refused.status, refused.body.code]).toEqual([410, 'version-sunset']);
  });
});
