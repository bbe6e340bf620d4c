// A broker of one's own: NATS, Azurite and the built app on SQLite, in a data directory. Whatever the environment
// sets wins over what is chosen here.

import { join } from 'node:path';
import { type BrokerProcess, startBrokerProcess } from './broker-process';
import type { DataDirectory } from './data-directory';
import type { Lifetime } from './lifetime';
import { keepLocalKeys } from './local-keys';
import { type LocalStack, startLocalStack } from './local-stack';
import { migrateTopicStore } from './migrate-topic-store';

// All of it together stays below the 10 s that whoever stops us is promised.
const brokerGraceMilliseconds = 7_000;

export interface LocalBrokerOptions {
  /** 0: the system chooses. */
  readonly port: number;
  readonly data: DataDirectory;
  /** Stops everything that is started. */
  readonly lifetime: Lifetime;
  readonly say: (line: string) => void;
}

export async function startLocalBroker(options: LocalBrokerOptions): Promise<BrokerProcess> {
  return startBroker(options, await startServers(options));
}

async function startServers({ data, lifetime, say }: LocalBrokerOptions): Promise<LocalStack> {
  const isSet = (...names: string[]) => names.some((name) => Boolean(process.env[name]));
  const stack = await startLocalStack({
    dataDirectory: data.path,
    natsPort: isSet('NATS_SERVERS') ? undefined : 0,
    blobPort: isSet('BLOB_SERVICE_URL', 'BLOB_CONNECTION_STRING') ? undefined : 0,
    say,
    onPids: data.notePids,
    onFailure: lifetime.fail,
  });
  lifetime.onStop(stack.stop);
  if (stack.nats) say(`NATS runs at ${stack.nats.url}`);
  if (stack.azurite) say(`Azurite runs at ${stack.azurite.url}`);
  return stack;
}

async function startBroker(
  { port, data, lifetime, say }: LocalBrokerOptions,
  stack: LocalStack,
): Promise<BrokerProcess> {
  const settings = brokerSettings(data.path, stack);
  // Somebody else's database is migrated by its operator.
  if (process.env['SQLITE_FILE'] || settings['SQLITE_FILE']) {
    await migrateTopicStore({ ...process.env, ...settings }, say);
  }
  const broker = await startBrokerProcess({
    port,
    settings,
    onLine: (line) => {
      console.error(line);
    },
  });
  lifetime.onStop(() => broker.stop(brokerGraceMilliseconds));
  void broker.exited.then(({ code, signal }) => {
    lifetime.fail(new Error(`the broker ended (${signal ?? `exit code ${code ?? '?'}`})`));
  });
  return broker;
}

/** Defaults of a local broker; whatever the environment sets wins. */
function brokerSettings(path: string, stack: LocalStack): Record<string, string> {
  const keys = keepLocalKeys(join(path, 'keys.json'));
  const defaults: Record<string, string> = {
    TOKEN_SIGNING_KEY: keys.tokenSigningKey,
    MESSAGE_ID_KEY: keys.messageIdKey,
    ROLES_FILE: join(process.cwd(), 'scripts', 'roles.sample.json'),
    LOG_LEVEL: 'warn',
  };
  const topicStores = ['SQLITE_FILE', 'SQL_SERVER', 'SQL_DATABASE', 'SQL_CONNECTION_STRING'];
  if (!topicStores.some((name) => process.env[name])) defaults['SQLITE_FILE'] = join(path, 'topics.sqlite');
  const unset = Object.entries(defaults).filter(([name]) => !process.env[name]);
  return { ...Object.fromEntries(unset), ...stack.settings };
}
