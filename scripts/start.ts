// npm start: NATS, Azurite and the broker on SQLite, a guided exchange, and everything stopped again, whatever
// ends us (design §11).

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { curlLines, playGuidedExchange } from './guided/guided-exchange';
import { type BrokerProcess, startBrokerProcess } from './stack/broker-process';
import { type DataDirectory, takeDataDirectory } from './stack/data-directory';
import { migrateTopicStore } from './stack/migrate-topic-store';
import { type Lifetime, runCommand } from './stack/lifetime';
import { keepLocalKeys } from './stack/local-keys';
import { type LocalStack, startLocalStack } from './stack/local-stack';
import { parsePort, refusePortInUse } from './stack/ports';

const defaultPort = 7071;
// All of it together stays below the 10 s that whoever stops us is promised.
const brokerGraceMilliseconds = 7_000;

runCommand(async (lifetime) => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(defaultPort) },
      data: { type: 'string' },
      'no-demo': { type: 'boolean', default: false },
      exit: { type: 'boolean', default: false },
    },
  });
  const port = parsePort(values.port);
  if (port !== 0) await refusePortInUse(port, 'choose another with --port');
  const data = await takeDataDirectory(values.data);
  lifetime.onStop(data.release);
  say(`Data is kept in ${data.path}`);

  const stack = await startServers(data, lifetime);
  const broker = await startBroker(port, data, stack, lifetime);
  say(`broker ready at ${broker.url}`);
  if (!values['no-demo']) await demonstrate(broker.url);
  if (values.exit) return;
  say('Press Ctrl-C to stop.');
  await lifetime.stopped;
});

async function startServers(data: DataDirectory, lifetime: Lifetime): Promise<LocalStack> {
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
  port: number,
  data: DataDirectory,
  stack: LocalStack,
  lifetime: Lifetime,
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

async function demonstrate(url: string): Promise<void> {
  say('\nA guided exchange between two participants:\n');
  const exchange = await playGuidedExchange(url, say, showProgress);
  const [send, fetch] = curlLines(url, exchange);
  say(`\nNow try it yourself. Send another message as Alice:\n\n${send ?? ''}\n`);
  say(`Fetch it as Bob:\n\n${fetch ?? ''}\n`);
}

/** On a terminal one line that is written over, until the next step takes its place; elsewhere nothing. */
function showProgress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`${line}\r`);
}

function say(line: string): void {
  console.log(line);
}
