// The whole broker for a test: real NATS, real Azurite, SQLite and the built app in the local host, in a temporary
// directory. With NATS_CLUSTER set its NATS is a cluster with TLS and nkeys; with BROKER_URL set the tests that allow
// it run against that broker instead.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BrokerProcess, startBrokerProcess } from '../../scripts/stack/broker-process';
import { startTemporaryStack } from '../../scripts/stack/temporary-stack';
import { type Azurite, startAzurite } from './azurite';
import {
  chosenStoreKind,
  type MessageStore,
  type MessageStoreKind,
  startMessageStore,
} from './message-store';

export interface TestStack {
  /** Base URL of the broker. */
  readonly url: string;
  readonly store: MessageStore;
  readonly azurite: Azurite;
  /** The broker's settings, for a second instance on the same stores. */
  readonly settings: Readonly<Record<string, string>>;
  /** Another instance on the same stores; stopped with the stack. */
  readonly startInstance: (settings?: Readonly<Record<string, string>>) => Promise<BrokerProcess>;
  readonly broker: BrokerProcess;
  readonly stop: () => Promise<void>;
}

export interface TestStackOptions {
  /** Settings on top of the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: what NATS_CLUSTER chooses. */
  readonly store?: MessageStoreKind;
}

const root = resolve(__dirname, '../..');

/** @throws Error when the app is not built: npm run build */
export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  if (!existsSync(join(root, 'dist', 'main.js'))) throw new Error('the app is not built: npm run build');
  return startTemporaryStack('stack', async ({ keep, brokerSettings, stop }) => {
    const [store, azurite] = await Promise.all([
      keep(startMessageStore(options.store ?? chosenStoreKind()), (started) => started.stop()),
      keep(startAzurite(), (started) => started.stop()),
    ]);
    const settings = await brokerSettings({
      ...store.settings,
      BLOB_CONNECTION_STRING: azurite.connectionString,
      ROLES_FILE: join(root, 'scripts', 'roles.sample.json'),
      LOG_LEVEL: 'error',
      ...options.settings,
    });
    const startInstance = (changed: Readonly<Record<string, string>> = {}) =>
      keep(startBrokerProcess({ port: 0, root, settings: { ...settings, ...changed } }), (instance) =>
        instance.stop(),
      );
    const broker = await startInstance();
    return { url: broker.url, store, azurite, settings, startInstance, broker, stop };
  });
}

export interface BrokerUnderTest {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The broker that BROKER_URL names, else one of our own. */
export async function startBrokerUnderTest(): Promise<BrokerUnderTest> {
  const url = process.env['BROKER_URL'];
  return url ? { url, stop: () => Promise.resolve() } : startTestStack();
}
