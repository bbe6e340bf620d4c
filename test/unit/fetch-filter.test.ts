// The topics of a filter are looked up one by one: what a search may ask for is bounded before anything is asked.

import { describe, expect, it } from '@jest/globals';
import { topicFilter } from '../../functions/fetch-filter';
import type { TopicCatalog } from '../../shared/topics';

type Topic = Awaited<ReturnType<TopicCatalog['find']>>;

const idOf = (number: number): string => number.toString(16).padStart(24, '0');
const ids = (count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_none, index) => idOf(from + index));

/** A catalogue whose topics are those below a number. */
function catalogue(topics: number) {
  const asked: string[] = [];
  let atOnce = 0;
  const seen = { mostAtOnce: 0 };
  const find = async (id: string): Promise<Topic> => {
    asked.push(id);
    seen.mostAtOnce = Math.max(seen.mostAtOnce, ++atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce--;
    return parseInt(id, 16) < topics ? ({ id } as Topic) : undefined;
  };
  return { asked, seen, find };
}

describe('the topics of a filter', () => {
  it('are those of all lists that are given, each looked up once, so many at a time', async () => {
    const catalog = catalogue(2_000);
    expect(
      await topicFilter({ topicId: ids(1_024), fqcnTopicList: ids(1_024, 512), topicIds: [] }, catalog),
    ).toEqual(ids(512, 512));
    expect(catalog.asked).toHaveLength(1_536);
    expect(catalog.seen.mostAtOnce).toBeLessThanOrEqual(32);
    expect(await topicFilter({ topicId: undefined, fqcnTopicList: [] }, catalog)).toBeNull();
  });

  it('regression: are not asked for any more when one of them does not exist', async () => {
    const catalog = catalogue(0);
    await expect(topicFilter({ topicId: ids(1_000) }, catalog)).rejects.toMatchObject({
      code: 'topic-not-found',
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(catalog.asked.length).toBeLessThanOrEqual(32);
  });

  it('regression: are not asked for at all when they are more than a cursor can hold', async () => {
    const catalog = catalogue(20_000);
    await expect(topicFilter({ topicIds: ids(1_025) }, catalog)).rejects.toMatchObject({
      code: 'invalid-parameters',
    });
    expect(catalog.asked).toEqual([]);
  });
});
