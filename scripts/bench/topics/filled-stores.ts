// Topic stores of two sizes on SQLite, alike but for the number of topics. One owner's topics are created through
// the store; the others are copies made inside the database, since ten thousand of them would take a minute.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrate, sqlBackend, SqlTopicStore } from '../../../shared/adapters/sql';
import { systemClock } from '../../../shared/clock';
import { readSchemaText } from '../../../shared/topics/schema-text';
import { publishVersion } from '../../../shared/topics/topic-change';

export interface FilledStore {
  readonly topics: number;
  readonly store: SqlTopicStore;
  /** One of the topics. */
  readonly topicId: string;
}

/** The owner of every topic in a store. */
export const benchOwner = 'bench.apps.bench.iam.ewc';

const versionsEach = 10;

/** @param sizes topics in each store */
export async function withFilledStores<Result>(
  sizes: readonly number[],
  work: (stores: readonly FilledStore[]) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'broker-bench-topics-'));
  const stores: FilledStore[] = [];
  try {
    for (const topics of sizes) stores.push(await fill(join(directory, `${topics}.db`), topics));
    return await work(stores);
  } finally {
    for (const { store } of stores) await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function fill(file: string, topics: number): Promise<FilledStore> {
  const settings = { kind: 'sqlite', file } as const;
  await migrate(sqlBackend(settings));
  const store = new SqlTopicStore(sqlBackend(settings), systemClock);
  const schema = (version: number) =>
    readSchemaText(
      'JSD7',
      JSON.stringify({
        title: `version ${version}`,
        type: 'object',
        properties: Object.fromEntries(
          Array.from({ length: 20 }, (_none, at) => [`field${at}`, { type: 'string' }]),
        ),
      }),
    );
  const { id } = await store.create({
    owner: benchOwner,
    name: 'topic-0',
    schemaType: 'JSD7',
    tags: ['bench'],
    version: '1.0.0',
    schema: schema(0),
  });
  for (let version = 1; version < versionsEach; version++) {
    await store.change(id, (topic) => publishVersion(topic, `1.${version}.0`, schema(version)));
  }
  copyTopic(file, id, topics - 1);
  return { topics, store, topicId: id };
}

/** Copies a topic with its versions, each copy under a name and id of its own. */
function copyTopic(file: string, id: string, copies: number): void {
  const database = new DatabaseSync(file);
  database.exec('begin');
  const numbers = 'with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)';
  const newId = "printf('%024x', n.i)";
  database
    .prepare(
      `${numbers} insert into topic select ${newId}, owner_key, printf('topic-%d', n.i), live_key, schema_type, tags,
        printf('topic-%d', n.i), latest_version, revision, created_at_ms, deleted_at_ms from n, topic where id = ?`,
    )
    .run(copies, id);
  database
    .prepare(
      `${numbers} insert into topic_version select ${newId}, version, sort_key, schema_text, schema_hash,
        created_at_ms, deleted_at_ms from n, topic_version where topic_id = ?`,
    )
    .run(copies, id);
  database
    .prepare('update topic_owner set live_topics = live_topics + ?, all_topics = all_topics + ?')
    .run(copies, copies);
  database.exec('commit');
  database.close();
}
