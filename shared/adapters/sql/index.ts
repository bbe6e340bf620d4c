// What the composition root takes from the SQL adapter.

import type { TopicStoreSettings } from '../../config/settings';
import type { SqlBackend } from './backend';
import { mssqlBackend } from './mssql/backend';
import { sqliteBackend } from './sqlite/backend';

export type { SqlBackend } from './backend';
export { executeStatements } from './execute';
export { migrate } from './migrate';
export { SqlTopicStore } from './sql-topic-store';

/** The backend that the settings choose. Opens nothing. */
export function sqlBackend(settings: TopicStoreSettings): SqlBackend {
  return settings.kind === 'sqlite' ? sqliteBackend(settings.file) : mssqlBackend(settings);
}
