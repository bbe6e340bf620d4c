// What a topic’s compatibility mode admits, through whole instances on NATS and SQLite.

import { describe, expect, test } from '@jest/globals';
import { type Problem, topicSiteForTests, xsd } from '../../support/topic-site';

interface Report {
  readonly verdict: string;
  readonly unproven: readonly object[];
}

const topics = topicSiteForTests();

describe('the compatibility mode of a topic', () => {
  const integer = '{"type":"object","properties":{"a":{"type":"integer"}}}';
  const number = '{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"string"}}}';
  const required = '{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}';
  const dated =
    '{"type":"object","properties":{"a":{"type":"integer"},"d":{"type":"string","pattern":"^(x|x)$"}}}';
  const dated2 =
    '{"type":"object","properties":{"a":{"type":"integer"},"d":{"type":"string","pattern":"^x$"}}}';
  const choose = (id: string, compatibility: unknown) =>
    topics().creator.request<{ compatibility?: unknown }>('PUT', `/topics/${id}`, { compatibility });
  const publish = (id: string, version: string, schema: string) =>
    topics().creator.request<Problem>('PUT', `/topics/${id}/versions/${version}`, { schema });
  const ask = (id: string, body: object) =>
    topics().creator.request<Report>('POST', `/topics/${id}/compatibility`, body);

  test('is kept, and shown as it was sent', async () => {
    const { id } = await topics().create();
    expect((await topics().creator.request('GET', `/topics/${id}`)).body).not.toHaveProperty('compatibility');
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
      expect(await topics().refusal('PUT', `/topics/${id}`, { compatibility: wrong })).toEqual([
        400,
        'invalid-parameters',
        '17',
      ]);
    }
  });

  test('refuses a version that breaks with the latest live one, with a witness', async () => {
    const { id } = await topics().create({ schema: integer });
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
    expect((await topics().creator.request('GET', `/topics/${id}/versions/1.2.0`)).status).toBe(200);
  });

  test('compares with every live version when it is transitive', async () => {
    const { id } = await topics().create({ schema: number });
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
    expect((await topics().creator.request('DELETE', `/topics/${id}/versions/1.0.0`)).status).toBe(200);
    expect((await ask(id, { schema: required, mode: 'FULL_TRANSITIVE' })).body.verdict).toBe('compatible');
  });

  test('lets a version pass of which nothing is known, and says so', async () => {
    const { id } = await topics().create({ schema: dated });
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
    const { id } = await topics().create({ schema: integer });
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
    const { id } = await topics().create({ schemaType, schema });
    expect((await ask(id, { schema: changed, mode: 'BACKWARD' })).body.verdict).toBe(verdict);
  });

  test('refuses to try what could not be published', async () => {
    const { id } = await topics().create();
    const path = `/topics/${id}/compatibility`;
    expect(await topics().refusal('POST', path, { schema: '{"type":"text"}' })).toEqual([
      400,
      'schema-invalid',
      '13',
    ]);
    expect(await topics().refusal('POST', path, { schema: '{}', mode: 'SOME' })).toEqual([
      400,
      'invalid-parameters',
      '17',
    ]);
    expect(
      (await topics().refusal('POST', `/topics/${'0'.repeat(24)}/compatibility`, { schema: '{}' }))[0],
    ).toBe(404);
  });

  test('holds however many publish at once', async () => {
    const { id } = await topics().create({ schema: integer });
    await choose(id, 'FULL_TRANSITIVE');
    const types = ['string', 'null', 'boolean', 'array'];
    const answers = await Promise.all(
      types.map((type, index) =>
        publish(id, `2.${index}.0`, `{"properties":{"new":{"type":"${type}"}},"required":["new"]}`),
      ),
    );
    // Each of them breaks with the first version.
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
    const wide = await topics().create({ name: `${topics().prefix}-wide`, schema: '{}' });
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
