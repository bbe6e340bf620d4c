// Topics: the system of record in SQL, the read model in JetStream, and the catalogue over both.

import { type StoreLayout } from '../../shared/adapters/nats/store-layout';
import {
  CompiledSchemaValidator,
  type SchemaThreads,
  ThreadedSchemaComparer,
} from '../../shared/adapters/schema';
import { sqlBackend, SqlTopicStore } from '../../shared/adapters/sql';
import type { Clock } from '../../shared/clock';
import type { Settings } from '../../shared/config/settings';
import { compileRolePattern, mayAdministerTopicsOf } from '../../shared/identity';
import type { Log } from '../../shared/log';
import { JetStreamTopicReadModel } from '../../shared/adapters/nats/jetstream-topic-read-model';
import type { RetentionStep } from '../../shared/retention';
import {
  createCatalogSource,
  reconcileTopics,
  TopicAdministration,
  TopicAnnouncer,
  TopicCatalog,
} from '../../shared/topics';

export function topicStore(
  { topicStore: chosen, identity, retention, limits }: Settings,
  layout: StoreLayout,
  schemaThreads: SchemaThreads,
  log: Log,
  clock: Clock,
) {
  const store = new SqlTopicStore(sqlBackend(chosen), clock);
  const model = new JetStreamTopicReadModel(layout.bucket('topics'));
  const catalog = new TopicCatalog(createCatalogSource({ model, store }), { clock });
  const validator = new CompiledSchemaValidator(schemaThreads);
  const isCreatorRole = compileRolePattern(identity.topicCreatorRolePattern);
  const administration = new TopicAdministration({
    store,
    announcer: new TopicAnnouncer(model, catalog, log),
    validator,
    comparer: new ThreadedSchemaComparer(schemaThreads),
    retentionClasses: retention.classes.map(({ name }) => name),
    limits,
    clock,
    mayAdministerTopicsOf: (owner, roles) => mayAdministerTopicsOf(owner, roles, isCreatorRole),
  });
  const reconcile: RetentionStep = {
    name: 'reconcile topics',
    share: 0.3,
    run: (isOutOfTime) => reconcileTopics({ model, store }, clock(), isOutOfTime),
  };
  return { store, catalog, validator, administration, reconcile };
}

export type TopicParts = ReturnType<typeof topicStore>;
