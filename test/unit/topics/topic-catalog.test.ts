// The catalogue answers from memory, never goes back to an older state, and does not make the message path wait for
// a source that is slow or away.

import { describe, expect, it } from '@jest/globals';
import { type CatalogTopic, TopicCatalog } from '../../../shared/topics/topic-catalog';

const id = 'a'.repeat(24);
const topic = (revision: number, changes: Partial<CatalogTopic> = {}): CatalogTopic => ({
  id,
  revision,
  schemaType: 'JSD7',
  deleted: false,
  versions: new Map([
    ['1.0.0', { schemaHash: 'h', deleted: false }],
    ['0.9.0', { schemaHash: 'g', deleted: true }],
  ]),
  ...changes,
});

/** A source that answers when it is told to. */
function controlledSource() {
  const asked: { id: string; answer: (topic: CatalogTopic | undefined) => void; fail: () => void }[] = [];
  return {
    asked,
    find: (wanted: string) =>
      new Promise<CatalogTopic | undefined>((resolve, reject) => {
        asked.push({ id: wanted, answer: resolve, fail: () => reject(new Error('away')) });
      }),
    readSchema: () => Promise.resolve('{}'),
  };
}

function makeCatalog(options: { refreshWaitMs?: number; maxTopics?: number } = {}) {
  const source = controlledSource();
  const time = { nowMs: 0 };
  const catalog = new TopicCatalog(source, { clock: () => time.nowMs, ...options });
  return { catalog, source, time };
}

/** Lets everything that is ready happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the topic catalogue', () => {
  it('asks the source once for simultaneous callers and then answers from memory', async () => {
    const { catalog, source } = makeCatalog();
    const callers = [catalog.find(id), catalog.find(id)];
    expect(source.asked).toHaveLength(1);
    source.asked[0]?.answer(topic(1));
    expect(await Promise.all(callers)).toEqual([topic(1), topic(1)]);
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(source.asked).toHaveLength(1);
  });

  it('remembers for a while that there is no such topic', async () => {
    const { catalog, source } = makeCatalog();
    const asking = catalog.find(id);
    source.asked[0]?.answer(undefined);
    expect(await asking).toBeUndefined();
    expect(await catalog.find(id)).toBeUndefined();
    expect(source.asked).toHaveLength(1);
  });

  it('does not ask for what cannot be a topic id', async () => {
    const { catalog, source } = makeCatalog();
    for (const text of ['', '*', 'A'.repeat(24), `${id} `, '__proto__']) {
      expect(await catalog.find(text)).toBeUndefined();
    }
    expect(source.asked).toHaveLength(0);
  });

  it('never replaces a state by an older one, however late the older one arrives', async () => {
    const { catalog, source } = makeCatalog();
    const asking = catalog.find(id);
    catalog.put(topic(3, { deleted: true }));
    source.asked[0]?.answer(topic(2));
    expect(await asking).toEqual(topic(3, { deleted: true }));
    catalog.put(topic(1));
    expect(await catalog.find(id)).toEqual(topic(3, { deleted: true }));
  });

  it('refreshes behind the caller’s back first, and makes it wait only after the stated age', async () => {
    const { catalog, source, time } = makeCatalog();
    catalog.put(topic(1));
    time.nowMs = 1_999;
    await catalog.find(id);
    expect(source.asked).toHaveLength(0);
    time.nowMs = 2_000;
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(source.asked).toHaveLength(1);
    source.asked[0]?.answer(topic(2));
    await settle();
    expect(await catalog.find(id)).toEqual(topic(2));
    time.nowMs = 7_001;
    const waiting = catalog.find(id);
    source.asked[1]?.answer(topic(3, { deleted: true }));
    expect(await waiting).toEqual(topic(3, { deleted: true }));
  });

  it('goes on with what it knows while the source is away, without asking for every message', async () => {
    const { catalog, source, time } = makeCatalog();
    catalog.put(topic(1));
    time.nowMs = 10_000;
    const waiting = catalog.find(id);
    source.asked[0]?.fail();
    expect(await waiting).toEqual(topic(1));
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(source.asked).toHaveLength(1);
    time.nowMs = 15_000;
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(source.asked).toHaveLength(2);
    source.asked[1]?.answer(topic(2));
    await settle();
    expect(await catalog.find(id)).toEqual(topic(2));
    time.nowMs = 20_000;
    const waitingAgain = catalog.find(id);
    source.asked[2]?.answer(topic(3));
    expect(await waitingAgain).toEqual(topic(3));
  });

  it('does not wait longer than stated for a source that hangs', async () => {
    const { catalog, source, time } = makeCatalog({ refreshWaitMs: 5 });
    catalog.put(topic(1));
    time.nowMs = 10_000;
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(source.asked).toHaveLength(1);
  });

  it('tells the caller when a topic that it does not know cannot be asked for', async () => {
    const { catalog, source } = makeCatalog();
    const asking = catalog.find(id);
    source.asked[0]?.fail();
    await expect(asking).rejects.toThrow('away');
    const again = catalog.find(id);
    source.asked[1]?.answer(topic(1));
    expect(await again).toEqual(topic(1));
  });

  it('is bounded', async () => {
    const { catalog, source } = makeCatalog({ maxTopics: 2 });
    for (const first of ['b', 'c', 'd']) catalog.put(topic(1, { id: first.repeat(24) }));
    void catalog.find('b'.repeat(24));
    await settle();
    expect(source.asked.map((asked) => asked.id)).toEqual(['b'.repeat(24)]);
  });

  it('regression: forgets no topic because of ids that are none', async () => {
    const { catalog, source } = makeCatalog({ maxTopics: 2 });
    catalog.put(topic(1));
    for (let number = 0; number < 10; number++) {
      const asking = catalog.find(String(number).repeat(24));
      source.asked.at(-1)?.answer(undefined);
      await asking;
    }
    expect(await catalog.find(id)).toEqual(topic(1));
    expect(source.asked).toHaveLength(10);
  });

  it('gives live versions of live topics for sending, and no others', async () => {
    const { catalog } = makeCatalog();
    catalog.put(topic(1));
    const { schema } = await catalog.requireVersion(id, '1.0.0');
    expect(schema).toMatchObject({ schemaType: 'JSD7', schemaHash: 'h' });
    expect(await schema.readText()).toBe('{}');
    for (const version of ['0.9.0', '1.0.1', '__proto__']) {
      await expect(catalog.requireVersion(id, version)).rejects.toMatchObject({ code: 'topic-not-found' });
    }
    catalog.put(topic(2, { deleted: true }));
    await expect(catalog.requireVersion(id, '1.0.0')).rejects.toMatchObject({ code: 'topic-not-found' });
  });
});
