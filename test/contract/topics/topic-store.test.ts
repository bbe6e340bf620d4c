// The contract of TopicStore over every SQL backend there is.

import { SqlTopicStore } from '../../../shared/adapters/sql';
import { systemClock } from '../../../shared/clock';
import { openMigrated, testBackends } from '../../support/sql-backends';
import { topicStoreContract } from './topic-store.contract';

for (const backend of testBackends) {
  topicStoreContract(backend.name, async () => {
    const database = await openMigrated(backend);
    const one = new SqlTopicStore(database.connect(), systemClock);
    const other = new SqlTopicStore(database.connect(), systemClock);
    return {
      one,
      other,
      stop: async () => {
        await one.close();
        await other.close();
        await database.remove();
      },
    };
  });
}
