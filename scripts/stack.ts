// npm run stack: NATS and Azurite alone, on the ports that local.settings.sample.json names, for people who run
// the broker with `func start`.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { takeDataDirectory } from './stack/data-directory';
import { runCommand } from './stack/lifetime';
import { keepLocalKeys, type LocalKeys } from './stack/local-keys';
import { startLocalStack } from './stack/local-stack';
import { migrateTopicStore } from './stack/migrate-topic-store';
import { refusePortInUse } from './stack/ports';

const sampleFile = 'local.settings.sample.json';
const settingsFile = 'local.settings.json';

interface LocalSettings {
  readonly Values: Record<string, string>;
}

runCommand(async (lifetime) => {
  const { values } = parseArgs({ options: { data: { type: 'string', default: '.local' } } });
  const sample = JSON.parse(readFileSync(sampleFile, 'utf8')) as LocalSettings;
  const natsPort = portIn(sample.Values['NATS_SERVERS'], /:(\d+)$/);
  const blobPort = portIn(sample.Values['BLOB_CONNECTION_STRING'], /BlobEndpoint=http:\/\/[^:]+:(\d+)/);
  for (const port of [natsPort, blobPort]) await refusePortInUse(port, 'stop what listens there');
  const data = await takeDataDirectory(values.data);
  lifetime.onStop(data.release);
  const stack = await startLocalStack({
    dataDirectory: data.path,
    natsPort,
    blobPort,
    say,
    onPids: data.notePids,
    onFailure: lifetime.fail,
  });
  lifetime.onStop(stack.stop);

  if (existsSync(settingsFile)) say(`${settingsFile} is there already and stays as it is.`);
  else {
    // The same keys as npm start, whose messages may be in this directory.
    const keys = keepLocalKeys(join(data.path, 'keys.json'));
    writeFileSync(settingsFile, `${JSON.stringify(withKeys(sample, keys), null, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
    });
    say(`${settingsFile} written, with keys of your own.`);
  }
  const { Values } = JSON.parse(readFileSync(settingsFile, 'utf8')) as LocalSettings;
  if (Values['SQLITE_FILE']) await migrateTopicStore(Values, say);
  say(`stack ready: NATS at ${stack.nats?.url ?? ''}, Azurite at ${stack.azurite?.url ?? ''}`);
  say('Run `func start` in another terminal. Press Ctrl-C to stop.');
  await lifetime.stopped;
});

function withKeys(sample: LocalSettings, keys: LocalKeys): LocalSettings {
  return {
    ...sample,
    Values: { ...sample.Values, TOKEN_SIGNING_KEY: keys.tokenSigningKey, MESSAGE_ID_KEY: keys.messageIdKey },
  };
}

function portIn(setting: string | undefined, pattern: RegExp): number {
  const port = Number(pattern.exec(setting ?? '')?.[1]);
  if (!(port > 0)) throw new Error(`${sampleFile} does not name the ports of NATS and Azurite`);
  return port;
}

function say(line: string): void {
  console.log(line);
}
