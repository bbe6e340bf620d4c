// What every TopicStore promises: one suite, run over each implementation by topic-store.test.ts. Owners are
// unique to each test, so that a database may be used again and by others.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  deleteTopic,
  deleteVersion,
  deprecateVersion,
  publishVersion,
  updateTopic,
} from '../../../shared/topics/topic-change';
import { readSchemaText } from '../../../shared/topics/schema-text';
import type { NewTopic, TopicStore } from '../../../shared/topics/topic-store';
import { defaultCompatibility } from '../../../shared/topics/topic-options';

export interface StorePair {
  /** Two instances with connections of their own over the same records. */
  readonly one: TopicStore;
  readonly other: TopicStore;
  readonly stop: () => Promise<void>;
}

export const schema = (title: string) => readSchemaText('JSD7', JSON.stringify({ type: 'object', title }));

/** A topic of an owner that no other test has. */
export function someTopic(changes: Partial<NewTopic> = {}): NewTopic {
  return {
    owner: `owner-${randomUUID()}`,
    name: 'prices',
    schemaType: 'JSD7',
    tags: [],
    version: '1.0.0',
    schema: schema('first'),
    ...changes,
  };
}

const everything = { offset: 0, limit: undefined };

export function topicStoreContract(name: string, start: () => Promise<StorePair>): void {
  describe(`a topic store on ${name}`, () => {
    let stores: StorePair | undefined;
    let one: TopicStore;
    let other: TopicStore;
    beforeAll(async () => {
      stores = await start();
      ({ one, other } = stores);
    });
    afterAll(() => stores?.stop());

    test('keeps the options of a topic and the end of a version, in one change each', async () => {
      const { id } = await one.create(someTopic({ tags: ['a'] }));
      const wanted = {
        compatibility: { mode: 'FULL_TRANSITIVE', unknownProperties: 'produced' },
        retentionClass: '999999d',
      } as const;
      const changed = await one.change(id, (topic) => updateTopic(topic, wanted));
      expect(changed).toMatchObject({ ...wanted, revision: 2, tags: ['a'] });
      const deprecated = await other.change(id, (topic) =>
        deprecateVersion(topic, '1.0.0', { sunsetAtMs: 4_102_444_800_000, nowMs: 1_800_000_000_000 }),
      );
      expect(deprecated.versions[0]?.deprecation).toEqual({
        sinceMs: 1_800_000_000_000,
        sunsetAtMs: 4_102_444_800_000,
      });
      expect(await one.find(id)).toEqual(deprecated);
      expect(await one.view(id)).toMatchObject(wanted);
      const again = await one.change(id, (topic) =>
        updateTopic(topic, { compatibility: defaultCompatibility, retentionClass: undefined }),
      );
      expect(again).toMatchObject({
        compatibility: defaultCompatibility,
        retentionClass: undefined,
        revision: 4,
      });
      expect(await other.find(id)).toEqual(again);
      expect((await other.change(id, (topic) => updateTopic(topic, {}))).revision).toBe(4);
    });

    test('gives back on every instance what one has created', async () => {
      const wanted = someTopic({ tags: ['a.b', 'c-d', 'A.B'] });
      const created = await one.create(wanted);
      expect(created.id).toMatch(/^[0-9a-f]{24}$/);
      expect(created).toMatchObject({ owner: wanted.owner, name: 'prices', revision: 1, tags: wanted.tags });
      expect(await other.find(created.id)).toEqual(created);
      expect(await other.view(created.id)).toEqual({
        id: created.id,
        owner: wanted.owner,
        name: 'prices',
        schemaType: 'JSD7',
        tags: wanted.tags,
        version: '1.0.0',
        schemaText: wanted.schema.text,
        schemaHash: wanted.schema.hash,
        revision: 1,
        compatibility: defaultCompatibility,
        deleted: false,
      });
    });

    test('knows nothing of an id that was never given', async () => {
      expect(await one.find('0'.repeat(24))).toBeUndefined();
      expect(await one.view('0'.repeat(24))).toBeUndefined();
      expect(await one.view('0'.repeat(24), '1.0.0')).toBeUndefined();
      await expect(one.change('0'.repeat(24), deleteTopic)).rejects.toMatchObject({
        code: 'topic-not-found',
      });
    });

    test.each([
      'Prices',
      'prices\u0301',
      'pr\u00edces',
      'pri\u0301ces',
      "'; drop table topic; --",
      '100% [a-z]_\\"quoted"',
      '"" \'\' `` ;/* */',
      'ﬁ ß ſ K İ ı',
      '名前 🏷️ \u{10ffff}',
      '@p1 :name $1 ?',
      '.*-.',
      'x'.repeat(255),
      '🏷'.repeat(255),
    ])('keeps a name as it is and apart from every similar one: %j', async (hostile) => {
      const { owner } = await one.create(someTopic());
      const created = await one.create(someTopic({ owner, name: hostile, tags: [hostile.slice(0, 100)] }));
      expect((await other.find(created.id))?.name).toBe(hostile);
      const byName = await other.list({ owner, name: hostile, includeDeleted: false }, everything);
      expect(byName.records.map(({ id, name: found, tags }) => ({ id, found, tags }))).toEqual([
        { id: created.id, found: hostile, tags: created.tags },
      ]);
      const byTag = await other.list({ owner, tags: created.tags, includeDeleted: false }, everything);
      expect(byTag.records.map(({ id }) => id)).toEqual([created.id]);
      const byKeyword = await other.list({ owner, keyword: hostile, includeDeleted: false }, everything);
      expect(byKeyword.records.map(({ id }) => id)).toContain(created.id);
      expect((await other.list({ owner, includeDeleted: false }, everything)).count).toBe(2);
    });

    test('keeps owners apart that differ in case or in blanks at the end', async () => {
      const { owner } = await one.create(someTopic());
      for (const similar of [owner.toUpperCase(), `${owner} `, `${owner}%`, owner.slice(0, -1)]) {
        expect(await one.list({ owner: similar, includeDeleted: true }, everything)).toEqual({
          count: 0,
          records: [],
        });
        expect(await one.countByOwner([similar])).toEqual([{ owner: similar, count: 0 }]);
        expect(await one.updatesByOwner([similar])).toEqual([]);
      }
    });

    test('refuses a second live topic of one owner and name', async () => {
      const wanted = someTopic();
      await one.create(wanted);
      await expect(other.create(wanted)).rejects.toMatchObject({ code: 'record-exists' });
      expect((await one.countByOwner([wanted.owner]))[0]?.count).toBe(1);
    });

    test('lets one of many simultaneous creators win, and tells the others that the record exists', async () => {
      for (let turn = 0; turn < 5; turn++) {
        const wanted = someTopic();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 8 }, (_, index) => (index % 2 ? one : other).create(wanted)),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') {
            expect(outcome.reason).toMatchObject({ code: 'record-exists' });
          }
        }
        expect((await one.list({ owner: wanted.owner, includeDeleted: true }, everything)).count).toBe(1);
        expect(await one.countByOwner([wanted.owner])).toEqual([{ owner: wanted.owner, count: 1 }]);
      }
    });

    test('creates a deleted topic again under a new id, and keeps the old one', async () => {
      const wanted = someTopic();
      const first = await one.create(wanted);
      await one.change(first.id, deleteTopic);
      const second = await other.create(wanted);
      expect(second.id).not.toBe(first.id);
      const live = await one.list(
        { owner: wanted.owner, name: wanted.name, includeDeleted: false },
        everything,
      );
      expect(live.records.map(({ id, deleted }) => ({ id, deleted }))).toEqual([
        { id: second.id, deleted: false },
      ]);
      const all = await one.list(
        { owner: wanted.owner, name: wanted.name, includeDeleted: true },
        everything,
      );
      expect(new Map(all.records.map(({ id, deleted }) => [id, deleted]))).toEqual(
        new Map([
          [first.id, true],
          [second.id, false],
        ]),
      );
      expect(all.count).toBe(2);
      expect((await one.find(first.id))?.deletedAtMs).toBeGreaterThan(0);
    });

    test('loses none of many simultaneous changes, and counts each in the revision', async () => {
      const { id } = await one.create(someTopic());
      const versions = Array.from({ length: 12 }, (_, index) => `2.${index}.0`);
      await Promise.all(
        versions.map((version, index) =>
          (index % 2 ? one : other).change(id, (topic) => publishVersion(topic, version, schema(version))),
        ),
      );
      const topic = await one.find(id);
      expect(topic?.revision).toBe(1 + versions.length);
      expect(new Set(topic?.versions.map(({ version }) => version))).toEqual(new Set(['1.0.0', ...versions]));
      expect((await other.view(id))?.version).toBe('2.11.0');
    });

    test('changes nothing when there is nothing to change, or when the decision throws', async () => {
      const created = await one.create(someTopic());
      expect(await one.change(created.id, () => undefined)).toEqual(created);
      const refusal = new Error('no');
      await expect(
        one.change(created.id, () => {
          throw refusal;
        }),
      ).rejects.toBe(refusal);
      expect(await other.find(created.id)).toEqual(created);
    });

    test('keeps schemas as they were sent, up to their greatest size', async () => {
      const text = `{\n "title": "ä 🏷 \\u0000 ${'x'.repeat(250_000)}", "type":"object"}\r\n`;
      const { id } = await one.create(someTopic({ schema: readSchemaText('JSD7', text) }));
      expect((await other.view(id, '1.0.0'))?.schemaText).toBe(text);
    });

    test('orders versions by precedence, whatever the order in which they came', async () => {
      const ascending = ['0.9.0', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-rc.2', '1.0.0-rc.10', '1.0.0'];
      const { id } = await one.create(someTopic({ version: '1.0.0-rc.2' }));
      for (const version of ['1.0.0', '0.9.0', '1.0.0-alpha.1', '1.0.0-rc.10', '1.0.0-alpha']) {
        await one.change(id, (topic) => publishVersion(topic, version, schema(version)));
      }
      const all = await other.listVersions(id, false, everything);
      expect(all.records.map(({ version }) => version)).toEqual(ascending.toReversed());
      const part = await other.listVersions(id, false, { offset: 2, limit: 2 });
      expect(part.records.map(({ version }) => version)).toEqual(['1.0.0-rc.2', '1.0.0-alpha.1']);
      expect(part.count).toBe(ascending.length);
      expect(await other.listVersions(id, false, { offset: 6, limit: 2 })).toEqual({ count: 6, records: [] });
      expect((await other.view(id))?.version).toBe('1.0.0');
      await one.change(id, (topic) => deleteVersion(topic, '1.0.0'));
      expect((await other.view(id))?.version).toBe('1.0.0-rc.10');
    });

    test('keeps deleted versions, out of sight unless they are asked for', async () => {
      const { id } = await one.create(someTopic());
      await one.change(id, (topic) => publishVersion(topic, '1.1.0', schema('second')));
      await one.change(id, (topic) => deleteVersion(topic, '1.1.0'));
      expect((await other.listVersions(id, false, everything)).records.map(({ version }) => version)).toEqual(
        ['1.0.0'],
      );
      const all = await other.listVersions(id, true, everything);
      expect(all.records.map(({ version, deleted }) => ({ version, deleted }))).toEqual([
        { version: '1.1.0', deleted: true },
        { version: '1.0.0', deleted: false },
      ]);
      expect((await other.view(id, '1.1.0'))?.deleted).toBe(true);
      await expect(
        other.change(id, (topic) => publishVersion(topic, '1.1.0', schema('second'))),
      ).rejects.toMatchObject({ code: 'version-conflict' });
      await one.change(id, (topic) => deleteVersion(topic, '1.0.0'));
      expect((await other.find(id))?.deletedAtMs).toBeGreaterThan(0);
      expect(await other.view(id)).toMatchObject({ version: '1.1.0', deleted: true });
    });

    test('pages through topics in the order of their names, and past the end finds nothing', async () => {
      const { owner } = await one.create(someTopic({ name: 'd' }));
      for (const topicName of ['b', 'e', 'A', 'c', 'a'])
        await one.create(someTopic({ owner, name: topicName }));
      const namesOf = async (offset: number, limit: number) =>
        (await other.list({ owner, includeDeleted: false }, { offset, limit })).records.map(
          (topic) => topic.name,
        );
      expect(await namesOf(0, 4)).toEqual(['A', 'a', 'b', 'c']);
      expect(await namesOf(4, 4)).toEqual(['d', 'e']);
      expect(await namesOf(8, 4)).toEqual([]);
      expect(await namesOf(8e18, 4)).toEqual([]);
      expect((await other.list({ owner, includeDeleted: false }, { offset: 4, limit: 4 })).count).toBe(6);
    });

    test('lists the topics of all owners when none is named, in the order of names', async () => {
      const tag = randomUUID();
      const { owner } = await one.create(someTopic({ name: 'b', tags: [tag] }));
      await one.create(someTopic({ name: 'a', tags: [tag] }));
      await one.create(someTopic({ owner, name: 'c', tags: [tag] }));
      const { id } = await one.create(someTopic({ owner, name: 'd', tags: [tag] }));
      await one.change(id, deleteTopic);
      const namesOf = async (includeDeleted: boolean) =>
        (await other.list({ tags: [tag], includeDeleted }, everything)).records.map((topic) => topic.name);
      expect(await namesOf(false)).toEqual(['a', 'b', 'c']);
      expect(await namesOf(true)).toEqual(['a', 'b', 'c', 'd']);
      const some = await other.list({ includeDeleted: false }, { offset: 0, limit: 2 });
      expect(some.records).toHaveLength(2);
      expect(some.count).toBeGreaterThanOrEqual(3);
    });

    test('finds topics that have all of some tags, and no part of one', async () => {
      const { owner } = await one.create(someTopic({ name: 'x', tags: ['red', 'blue.1'] }));
      await one.create(someTopic({ owner, name: 'y', tags: ['red'] }));
      await one.create(someTopic({ owner, name: 'z', tags: ['Red', 're'] }));
      const namesOf = async (...tags: string[]) =>
        (await other.list({ owner, tags, includeDeleted: false }, everything)).records.map(
          (topic) => topic.name,
        );
      expect(await namesOf('red')).toEqual(['x', 'y']);
      expect(await namesOf('blue.1', 'red')).toEqual(['x']);
      expect(await namesOf('red', 'Red')).toEqual([]);
      expect(await namesOf('blu_.1')).toEqual([]);
      const [x] = (await one.list({ owner, name: 'x', includeDeleted: false }, everything)).records;
      await one.change(x?.id ?? '', (topic) => updateTopic(topic, { tags: ['green'] }));
      expect(await namesOf('red')).toEqual(['y']);
      expect(await namesOf('green')).toEqual(['x']);
    });

    test('searches keywords in owners, names and tags, with wildcards as plain characters', async () => {
      const { owner } = await one.create(someTopic({ name: 'Power.Prices', tags: ['Day-Ahead'] }));
      await one.create(someTopic({ owner, name: 'loads', tags: ['100%'] }));
      const namesOf = async (keyword: string) =>
        (await other.list({ owner, keyword, includeDeleted: false }, everything)).records.map(
          (topic) => topic.name,
        );
      expect(await namesOf('power')).toEqual(['Power.Prices']);
      expect(await namesOf('AHEAD')).toEqual(['Power.Prices']);
      expect(await namesOf('0%')).toEqual(['loads']);
      expect(await namesOf('o%d')).toEqual([]);
      expect(await namesOf('l_ads')).toEqual([]);
      expect(await namesOf('[a-z]')).toEqual([]);
      expect(await namesOf(owner)).toEqual(['Power.Prices', 'loads']);
    });

    test('counts live topics for each owner asked, unknown ones as 0', async () => {
      const { owner } = await one.create(someTopic({ name: 'a' }));
      const { id } = await one.create(someTopic({ owner, name: 'b' }));
      const unknown = `nobody-${randomUUID()}`;
      expect(await other.countByOwner([unknown, owner])).toEqual([
        { owner: unknown, count: 0 },
        { owner, count: 2 },
      ]);
      await one.change(id, deleteTopic);
      expect(await other.countByOwner([owner])).toEqual([{ owner, count: 1 }]);
      expect((await other.list({ owner, includeDeleted: true }, everything)).count).toBe(2);
      expect(await other.countByOwner([])).toEqual([]);
    });

    test('moves the monitor times with every change, deletions too, and never back', async () => {
      const { id, owner } = await one.create(someTopic());
      const read = async () => {
        const [updates] = await other.updatesByOwner([owner, `nobody-${randomUUID()}`]);
        if (!updates) throw new Error('the owner has no times');
        return updates;
      };
      let last = await read();
      const step = async (change: () => Promise<unknown>) => {
        await change();
        const next = await read();
        const moved = {
          topic: next.lastTopicUpdateMs > last.lastTopicUpdateMs,
          version: next.lastVersionUpdateMs > last.lastVersionUpdateMs,
        };
        expect(next.lastTopicUpdateMs).toBeGreaterThanOrEqual(last.lastTopicUpdateMs);
        expect(next.lastVersionUpdateMs).toBeGreaterThanOrEqual(last.lastVersionUpdateMs);
        last = next;
        return moved;
      };
      const change = (decide: Parameters<TopicStore['change']>[1]) => step(() => one.change(id, decide));
      expect(await change((topic) => publishVersion(topic, '1.1.0', schema('b')))).toEqual({
        topic: false,
        version: true,
      });
      expect(await change((topic) => publishVersion(topic, '1.1.0', schema('b')))).toEqual({
        topic: false,
        version: false,
      });
      expect(await change((topic) => updateTopic(topic, { tags: ['t'] }))).toEqual({
        topic: true,
        version: false,
      });
      expect(await change((topic) => deleteVersion(topic, '1.0.0'))).toEqual({ topic: false, version: true });
      expect(await change((topic) => deleteVersion(topic, '1.1.0'))).toEqual({ topic: true, version: true });
      expect(await step(() => one.create(someTopic({ owner })))).toEqual({ topic: true, version: true });
      expect(await other.updatesByOwner([])).toEqual([]);
    });

    test('says that it works', async () => {
      await expect(one.check()).resolves.toBeUndefined();
    });
  });
}
