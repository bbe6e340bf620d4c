// The suite of topic administration: what the gateways poll every minute must not cost more with more topics.

import { systemClock } from '../../../shared/clock';
import { toCatalogTopic, TopicCatalog } from '../../../shared/topics/topic-catalog';
import { quantile } from '../statistics';
import type { Curve, Suite } from '../suite';
import { benchOwner, type FilledStore, withFilledStores } from './filled-stores';

/** Calls that make one measurement: a single one takes some ten microseconds. */
const callsEach = 100;
const firstPage = { offset: 0, limit: 10 };

/** @param prepare gives the call that is measured */
function growing(
  name: string,
  title: string,
  prepare: (filled: FilledStore) => () => Promise<unknown>,
): Curve {
  return {
    name,
    title: `${callsEach} × ${title}, ten versions each`,
    unit: 'topics',
    limit: 1.2,
    measure: async ({ options }) => {
      options.progress(title);
      const sizes = options.quick ? [100, 1_000] : [100, 10_000];
      return withFilledStores(sizes, async (stores) => {
        const measured = stores.map((filled) => ({
          size: filled.topics,
          call: prepare(filled),
          tookMs: [] as number[],
        }));
        // In turn, so that what else happens on the machine meets all sizes alike.
        for (let round = 0; round < (options.quick ? 20 : 100); round++) {
          for (const { call, tookMs } of measured) {
            const start = performance.now();
            for (let done = 0; done < callsEach; done++) await call();
            tookMs.push(performance.now() - start);
          }
        }
        return measured.map(({ size, tookMs }) => {
          const sorted = tookMs.toSorted((one, other) => one - other);
          return { size, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
        });
      });
    },
  };
}

export const topicAdministration: Suite = {
  name: 'topics',
  summary: 'what gateways poll, with more topics: a page, the exact topic, count, monitor; the catalogue',
  checks: [],
  rows: [],
  curves: [
    growing('catalog', 'a topic that the catalogue knows', ({ store, topicId }) => {
      const catalog = new TopicCatalog(
        {
          find: async (id) => {
            const topic = await store.find(id);
            return topic && toCatalogTopic(topic);
          },
          readSchema: async (id, version) => (await store.view(id, version))?.schemaText,
        },
        { clock: systemClock },
      );
      return () => catalog.find(topicId);
    }),
    growing(
      'page-of-owner',
      'a page of ten topics of an owner',
      ({ store }) =>
        () =>
          store.list({ owner: benchOwner, includeDeleted: false }, firstPage),
    ),
    growing(
      'page-of-all',
      'a page of ten topics of all owners',
      ({ store }) =>
        () =>
          store.list({ includeDeleted: false }, firstPage),
    ),
    growing(
      'exact',
      'the topic of an owner and name',
      ({ store }) =>
        () =>
          store.list(
            { owner: benchOwner, name: 'topic-7', includeDeleted: false },
            { offset: 0, limit: undefined },
          ),
    ),
    growing(
      'count',
      'count',
      ({ store }) =>
        () =>
          store.countByOwner([benchOwner]),
    ),
    growing(
      'monitor',
      'topicUpdatesMonitor',
      ({ store }) =>
        () =>
          store.updatesByOwner([benchOwner]),
    ),
  ],
};
