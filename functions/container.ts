// Composition root: the only place that sees adapters and capabilities together. Nothing here connects to
// anything; each adapter opens its connection at the first use.

import { join } from 'node:path';
import { BlobConnection } from '../shared/adapters/blob/blob-connection';
import type { HandlerDependencies } from '../shared/http/handler';
import type { Route } from '../shared/http/route';
import type { Settings } from '../shared/config/settings';
import { systemClock, type Clock } from '../shared/clock';
import { BrokerError } from '../shared/broker-error';
import type { Log } from '../shared/log';
import { createHealth } from '../shared/operations/health';
import { operationsRoutes } from './operations';

export interface Container {
  readonly routes: readonly Route[];
  readonly handling: HandlerDependencies;
  /** Lets running work end and closes every connection. */
  readonly close: () => Promise<void>;
}

export function createContainer(settings: Settings, log: Log, clock: Clock = systemClock): Container {
  const blob = new BlobConnection(settings.blobStore);
  const routes: readonly Route[] = [
    ...operationsRoutes({
      routes: () => routes,
      health: createHealth({ checks: [blob], log, clock }),
      defaultRetentionMs: settings.retention.defaultClass.spanMs,
      // Beside the bundle; scripts/build.mjs puts the viewer there.
      viewerDirectory: join(__dirname, 'viewer'),
    }),
  ];
  return {
    routes,
    handling: {
      authenticate: () => Promise.reject(new BrokerError('unauthenticated', 'Log in first.')),
      log,
      clock,
    },
    close: () => Promise.resolve(),
  };
}
