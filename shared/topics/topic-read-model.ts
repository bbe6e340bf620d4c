// The read model of topics: complete, near the messages, and there while SQL is not (design §7). Memory reads it, every
// change writes it after SQL, and a reconciler repairs what a write has missed.

import type { Log } from '../log';
import { mapConcurrently } from '../map-concurrently';
import { type CatalogSource, type CatalogTopic, toCatalogTopic, type TopicCatalog } from './topic-catalog';
import type { SchemaText, Topic } from './topic';
import type { TopicStore } from './topic-store';

/** How far the reconciler has come. */
export interface ReconciledTopics {
  /** Every topic changed before this is in the read model. Epoch ms; 0 while the first pass is not through. */
  readonly throughMs: number;
  /** A pass that has ended before its time was enough: the next run goes on with it. */
  readonly pass?: ReconcilingPass | undefined;
}

interface ReconcilingPass {
  /** It looks at topics of owners that had a change since then. Epoch ms. */
  readonly sinceMs: number;
  readonly startedAtMs: number;
  /** Id of the last topic that it has looked at; empty before the first one. */
  readonly after: string;
}

/** Port: topics by id and schemas by content hash, deleted ones too. */
export interface TopicReadModel {
  find(id: string): Promise<CatalogTopic | undefined>;
  readSchema(hash: string): Promise<string | undefined>;
  writeSchema(schema: SchemaText): Promise<void>;
  /** Writes a topic unless the model has it in the same or a higher revision. True when it was written. */
  write(topic: CatalogTopic): Promise<boolean>;
  readReconciled(): Promise<ReconciledTopics | undefined>;
  writeReconciled(reconciled: ReconciledTopics): Promise<void>;
}

export interface ReadModelDependencies {
  readonly model: TopicReadModel;
  readonly store: Pick<TopicStore, 'find' | 'view' | 'listRevisions'>;
}

/** The level below the memory: the read model, and SQL for what it does not have as long as it is not complete. */
export function createCatalogSource({ model, store }: ReadModelDependencies): CatalogSource {
  return {
    find: async (id) => {
      const known = await model.find(id);
      if (known || isComplete(await model.readReconciled())) return known;
      const topic = await store.find(id);
      return topic && toCatalogTopic(topic);
    },
    readSchema: async (id, version) => {
      const hash = (await model.find(id))?.versions.get(version)?.schemaHash;
      const known = hash === undefined ? undefined : await model.readSchema(hash);
      return known ?? (await store.view(id, version))?.schemaText;
    },
  };
}

function isComplete(reconciled: ReconciledTopics | undefined): boolean {
  return reconciled !== undefined && reconciled.throughMs > 0;
}

/** Makes a recorded change known: to the read model, from which every instance learns it, and to this one's memory. */
export class TopicAnnouncer {
  constructor(
    private readonly model: TopicReadModel,
    private readonly catalog: Pick<TopicCatalog, 'put'>,
    private readonly log: Log,
  ) {}

  /** Never rejects: the change is recorded, and the reconciler repairs what is missed here. */
  async announce(topic: Topic, schema?: SchemaText): Promise<void> {
    const known = toCatalogTopic(topic);
    this.catalog.put(known);
    try {
      if (schema) await this.model.writeSchema(schema);
      await this.model.write(known);
    } catch (error) {
      this.log('error', 'topic not announced; the reconciler will', { topic: topic.id, error });
    }
  }
}

const pageSize = 500;
/** Topics looked at between two looks at the clock. */
const width = 16;
/** Changes whose instant lies this far back are looked at again: clocks differ, and transactions take time. Unit: ms. */
const overlapMs = 300_000;

/**
 * Brings the read model up to SQL: all topics at the first pass, then those of owners with changes since the last
 * one. Returns how many were looked at and repaired; where time runs out, or something fails, the next run goes on.
 */
export async function reconcileTopics(
  { model, store }: ReadModelDependencies,
  nowMs: number,
  isOutOfTime: () => boolean,
): Promise<{ readonly seen: number; readonly repaired: number }> {
  const last = (await model.readReconciled()) ?? { throughMs: 0 };
  let pass = last.pass ?? { sinceMs: Math.max(0, last.throughMs - overlapMs), startedAtMs: nowMs, after: '' };
  let [seen, repaired] = [0, 0];
  for (;;) {
    const page = await store.listRevisions(pass.sinceMs, pass.after, pageSize);
    for (let at = 0; at < page.length; at += width) {
      const some = page.slice(at, at + width);
      const repairs = await mapConcurrently(some, width, ({ id, revision }) =>
        repair(id, revision, { model, store }),
      );
      seen += some.length;
      repaired += repairs.filter((isRepaired) => isRepaired).length;
      pass = { ...pass, after: some.at(-1)?.id ?? pass.after };
      if (isOutOfTime()) break;
    }
    const isEnd = page.length < pageSize && pass.after === (page.at(-1)?.id ?? pass.after);
    if (isEnd) break;
    await model.writeReconciled({ throughMs: last.throughMs, pass });
    if (isOutOfTime()) return { seen, repaired };
  }
  await model.writeReconciled({ throughMs: pass.startedAtMs });
  return { seen, repaired };
}

async function repair(id: string, revision: number, dependencies: ReadModelDependencies): Promise<boolean> {
  const known = await dependencies.model.find(id);
  if (known && known.revision >= revision) return false;
  return copy(id, known, dependencies);
}

async function copy(
  id: string,
  known: CatalogTopic | undefined,
  { model, store }: ReadModelDependencies,
): Promise<boolean> {
  const topic = await store.find(id);
  if (!topic) return false;
  // The schemas first: who finds the version must find its schema.
  for (const { version, schemaHash } of topic.versions) {
    if (known?.versions.get(version)?.schemaHash === schemaHash) continue;
    const view = await store.view(id, version);
    if (view) await model.writeSchema({ text: view.schemaText, hash: schemaHash });
  }
  return model.write(toCatalogTopic(topic));
}
