// The contract of TopicStore through mssql and tedious on the wire, before a stand-in that speaks TDS; what the
// statements mean on SQL Server is proved by topic-store.test.ts with SQL_CONNECTION_STRING.

import { migrate, sqlBackend, SqlTopicStore } from '../../../shared/adapters/sql';
import { systemClock } from '../../../shared/clock';
import { startTdsStandIn } from '../../support/tds-stand-in';
import { topicStoreContract } from './topic-store.contract';

topicStoreContract('mssql before a stand-in', async () => {
  const server = await startTdsStandIn();
  const { connectionString } = server;
  const connect = () => sqlBackend({ kind: 'connection-string', connectionString });
  await Promise.all(Array.from({ length: 5 }, () => migrate(connect())));
  const one = new SqlTopicStore(connect(), systemClock);
  const other = new SqlTopicStore(connect(), systemClock);
  return {
    one,
    other,
    stop: async () => {
      await one.close();
      await other.close();
      await server.stop();
    },
  };
});
