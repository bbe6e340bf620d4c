// What the schedulers of existing gateways do all day: topics, roles and limits, for nobody's request.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { demoOwner } from '../../scripts/guided/guided-exchange';
import type { ClientGateway } from '../support/gateway/client-gateway';
import { type Deployment, startDeployment } from '../support/gateway/deployment';
import type { Topic } from '../support/gateway/topic-sync';
import { createWallet } from '../support/gateway/wallet';

jest.setTimeout(120_000);

describe('the scheduler of an existing gateway', () => {
  let broker: Deployment;
  let alice: ClientGateway;
  let bob: ClientGateway;
  const mark = randomUUID();
  const absentOwner = `absent.apps.${mark}.iam.ewc`;
  const schema = '{"type":"object","title":"with a \\"quote\\""}';
  const syncs = () => [demoOwner, absentOwner];

  const createTopic = async (name: string, fields: object = {}) =>
    (await alice.json({
      method: 'POST',
      path: '/topics',
      body: { name, owner: demoOwner, schemaType: 'JSD7', schema, version: '1.0.0', tags: [mark], ...fields },
    })) as Topic;

  beforeAll(async () => {
    broker = await startDeployment();
    [alice, bob] = [broker.createGateway(), broker.createGateway()];
    await Promise.all([alice.start(), bob.start()]);
  }, 60_000);
  afterAll(() => broker.stop());

  it('reads all topics in pages of 50 until one is empty', async () => {
    const names = Array.from({ length: 101 }, (_, n) => `topic ${n}.of-${mark}`);
    const created: Topic[] = [];
    for (const name of names) created.push(await createTopic(name));
    expect(await bob.topics.run(syncs())).toEqual(syncs());
    const known = created.map(({ id }) => bob.topics.topics.get(id));
    expect(known.map((topic) => topic?.name)).toEqual(names);
    expect(known[0]).toMatchObject({
      owner: demoOwner,
      schemaType: 'JSD7',
      schema: JSON.parse(schema) as object,
      version: '1.0.0',
      tags: [mark],
      deleted: false,
    });
    const pages = bob.wire.exchanges.filter(({ path }) => /^\/topics\?.*limit=50&page=\d+/.test(path));
    expect(pages.length).toBeGreaterThanOrEqual(4);
  });

  it('reads nothing again while nothing has changed, and what has changed when it has', async () => {
    await bob.topics.run(syncs());
    expect(await bob.topics.run(syncs())).toEqual([]);
    const topic = await createTopic(`changing.of-${mark}`);
    const knownAfter = async () => {
      expect(await bob.topics.run(syncs())).toEqual([demoOwner]);
      return bob.topics.topics.get(topic.id);
    };
    expect(await knownAfter()).toMatchObject({ version: '1.0.0' });
    const path = `/topics/${topic.id}`;
    await alice.session.call({ method: 'PUT', path, body: { tags: ['a.b', 'c-d'] } });
    expect(await knownAfter()).toMatchObject({ tags: ['a.b', 'c-d'] });
    const second = {
      method: 'PUT',
      path: `${path}/versions/10.0.0`,
      body: { schema: '{"type":"array"}' },
    } as const;
    await alice.session.call(second);
    const withTwo = await knownAfter();
    expect(withTwo?.version).toBe('10.0.0');
    expect([...(withTwo?.versions.keys() ?? [])].sort()).toEqual(['1.0.0', '10.0.0']);
    expect(withTwo?.versions.get('10.0.0')?.schema).toEqual({ type: 'array' });
    // The same again changes nothing, another schema is refused.
    await alice.session.call(second);
    expect(await bob.topics.run(syncs())).toEqual([]);
    const rewritten = alice.session.call({ ...second, body: { schema: '{"type":"number"}' } });
    await expect(rewritten).rejects.toMatchObject({ status: 409 });
    await alice.session.call({ method: 'DELETE', path: `${path}/versions/10.0.0` });
    expect(await knownAfter()).toMatchObject({ version: '1.0.0' });
    await alice.session.call({ method: 'DELETE', path: `${path}/versions/1.0.0` });
    expect(await knownAfter()).toBeUndefined();
  });

  it('finds exactly the topic of a name, and never a second one', async () => {
    const name = `found 100% of+${mark} & more`;
    await createTopic(`${name}.`);
    const topic = await createTopic(name);
    expect((await bob.topics.find(demoOwner, name))?.id).toBe(topic.id);
    expect(await bob.topics.find(demoOwner, name.toUpperCase())).toBeUndefined();
    await expect(createTopic(name)).rejects.toMatchObject({ kind: 'refused', status: 400 });
    await alice.session.call({ method: 'DELETE', path: `/topics/${topic.id}` });
    expect(await bob.topics.find(demoOwner, name)).toBeUndefined();
    const again = await createTopic(name);
    expect((await bob.topics.find(`"${demoOwner}"`, name))?.id).toBe(again.id);
  });

  it('searches topics by keyword and by tags, which must all match', async () => {
    const both = await createTopic(`tagged.of-${mark}`, { tags: [`one ${mark}`, `two ${mark}`] });
    await createTopic(`half.of-${mark}`, { tags: [`one ${mark}`] });
    const tagged = (await bob.json({
      method: 'GET',
      path: '/topics',
      query: { owner: demoOwner, tags: [`one ${mark}`, `two ${mark}`] },
    })) as { records: readonly Topic[] };
    expect(tagged.records.map(({ id }) => id)).toEqual([both.id]);
    const query = { keyword: `tagged.of-${mark}`, owner: undefined, limit: 10, page: 1 };
    const found = (await bob.json({ method: 'GET', path: '/topics/search', query })) as typeof tagged;
    expect(found.records.map(({ id }) => id)).toEqual([both.id]);
  });

  it('asks for very many owners at once', async () => {
    // About 16 KB of URL.
    const owners = Array.from({ length: 330 }, (_, n) => `${n}.apps.${mark.slice(9)}.iam.ewc`);
    const query = { owner: owners };
    const counts = (await bob.json({ method: 'GET', path: '/topics/count', query })) as { count: number }[];
    expect(counts.filter(({ count }) => count !== 0)).toEqual([]);
    expect(
      await bob.json({
        method: 'GET',
        path: '/topics/topicUpdatesMonitor',
        query: { namespaceList: owners.slice(0, 250) },
      }),
    ).toEqual([]);
  });

  it('learns who holds the roles of its channels, and who is there at all', async () => {
    const role = `user.roles.${demoOwner}`;
    const holders = await bob.roles.holdersOf([role, `user.roles.nobody.apps.${mark}.iam.ewc`]);
    expect(holders).toEqual(expect.arrayContaining([alice.did, bob.did]));
    expect(new Set(holders).size).toBe(holders.length);
    expect(await bob.roles.holdersOf([`user.roles.nobody.apps.${mark}.iam.ewc`])).toEqual([]);
    expect(await bob.roles.isRegistered(alice.did)).toBe(true);
    expect(await bob.roles.isRegistered(createWallet().did)).toBe(false);
  });
});
