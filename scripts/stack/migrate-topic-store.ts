// Brings the topic store that the settings name to this version's form.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { migrate, sqlBackend } from '../../shared/adapters/sql';
import { readTopicStoreSettings } from '../../shared/config/settings';

/** @throws Error with a sentence when the settings or the database do not allow it */
export async function migrateTopicStore(
  environment: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<void> {
  const settings = readTopicStoreSettings(environment);
  if (settings.kind === 'sqlite') mkdirSync(dirname(settings.file), { recursive: true });
  const names = await migrate(sqlBackend(settings));
  if (names.length > 0) say(`The topic store is migrated: ${names.join(', ')}`);
}
