// npm run demo:schemas: a topic of each type of schema, a good and a bad payload for each, and what new versions
// would break. Ends with 0 only when every verdict is the one that is expected.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createKeyPair, ParticipantClient } from '../../client';
import { takeDataDirectory } from '../stack/data-directory';
import { type Lifetime, runCommand } from '../stack/lifetime';
import { startLocalBroker } from '../stack/local-broker';
import { demonstrateSchemas } from './demonstrate-schemas';

runCommand(async (lifetime) => {
  const { values } = parseArgs({ options: { url: { type: 'string' } } });
  const url = values.url ?? (await startBroker(lifetime));
  const participant = await ParticipantClient.login(url, createKeyPair());
  const wrong = await demonstrateSchemas(participant, say);
  if (wrong > 0) throw new Error(`${wrong} verdicts are not as expected`);
  say('Every verdict is as expected.');
});

async function startBroker(lifetime: Lifetime): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'demo-schemas-'));
  lifetime.onStop(() => rm(directory, { recursive: true, force: true }));
  const data = await takeDataDirectory(directory);
  lifetime.onStop(data.release);
  const { url } = await startLocalBroker({ port: 0, data, lifetime, say: (line) => console.error(line) });
  return url;
}

function say(line: string): void {
  console.log(line);
}
