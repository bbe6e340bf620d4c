// How topics change, and who may change them (contract §5), through whole instances on NATS and SQLite.

import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Problem, schemaText, type Topic, topicSiteForTests } from '../../support/topic-site';

const topics = topicSiteForTests();

describe('changing topics', () => {
  test('replaces the tags, and nothing else', async () => {
    const topic = await topics().create({ tags: ['old'] });
    const changed = await topics().creator.request<Topic>('PUT', `/topics/${topic.id}`, {
      tags: ['new', 'new', 'N'],
    });
    expect(changed.body).toEqual({ ...topic, tags: ['new', 'N'] });
    expect(await topics().read(`/topics/${topic.id}`)).toEqual(changed.body);
    expect((await topics().creator.request<Topic>('PUT', `/topics/${topic.id}`, {})).body).toEqual(
      changed.body,
    );
  });

  test('is for the creators of its owner, and for all others forbidden', async () => {
    const stranger = topics().site.start({
      natsUrl: topics().server.url,
      settings: { TOPIC_CREATOR_ROLE_PATTERN: 'nobody.roles.*' },
    });
    const { id } = await topics().create();
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
    const { id } = await topics().create();
    const change = (method: 'PUT' | 'DELETE', path: string, body: unknown, ifMatch: string) =>
      topics().creator.request(method, path, body, undefined, { 'if-match': ifMatch });
    const seen = (await topics().creator.request('GET', `/topics/${id}`)).headers.get('etag') ?? '';
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
    const version = (await topics().creator.request('GET', path)).headers.get('etag') ?? '';
    expect((await change('PUT', path, { schema: schemaText }, version)).status).toBe(200);
    expect((await change('PUT', `/topics/${id}/versions/2.0.0`, { schema: '{}' }, '*')).status).toBe(412);
    expect((await change('DELETE', path, undefined, '"other"')).status).toBe(412);
    expect((await change('DELETE', `/topics/${id}`, undefined, next)).status).toBe(200);
  });

  test('counts at once on this instance and within seconds on another one for sending', async () => {
    const other = topics().site.start({ natsUrl: topics().server.url });
    const message = (topicId: string) => ({
      fqcns: [topics().creator.did],
      payload: '{}',
      topicId,
      topicVersion: '1.0.0',
      signature: 's',
      clientGatewayMessageId: randomUUID(),
      payloadEncryption: false,
    });
    const { id } = await topics().create();
    const elsewhere = topics().creator.at(other);
    expect((await topics().creator.request('POST', '/messages', message(id))).status).toBe(200);
    expect((await elsewhere.request('POST', '/messages', message(id))).status).toBe(200);
    await topics().creator.request('DELETE', `/topics/${id}`);
    const deletedAt = Date.now();
    expect((await topics().creator.request('POST', '/messages', message(id))).status).toBe(404);
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
      const [status] = await topics().refusal(method, path, body);
      expect(status).toBe(id === '%00' ? 400 : 404);
    }
  });
});

describe('the options of a topic', () => {
  test('name a retention class of those that are configured, until it is taken back', async () => {
    const { id } = await topics().create();
    const put = (retentionClass: unknown) =>
      topics().creator.request<Topic>('PUT', `/topics/${id}`, { retentionClass });
    expect((await put('7d')).body).toMatchObject({ id, tags: [], retentionClass: '7d' });
    expect((await topics().creator.request('GET', `/topics/${id}`)).body).toMatchObject({
      retentionClass: '7d',
    });
    expect(await topics().refusal('PUT', `/topics/${id}`, { retentionClass: '2d' })).toEqual([
      400,
      'invalid-parameters',
      '17',
    ]);
    expect((await put('')).body).not.toHaveProperty('retentionClass');
  });
});
