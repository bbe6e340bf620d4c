// Composition root: the only place that sees adapters and capabilities together. Nothing here connects to
// anything; each adapter opens its connection at the first use.

import type { HandlerDependencies } from '../shared/http/handler';
import type { Route } from '../shared/http/route';
import type { Settings } from '../shared/config/settings';
import { systemClock, type Clock } from '../shared/clock';
import { BrokerError } from '../shared/broker-error';
import type { Log } from '../shared/log';

export interface Container {
  readonly routes: readonly Route[];
  readonly handling: HandlerDependencies;
  /** Lets running work end and closes every connection. */
  readonly close: () => Promise<void>;
}

export function createContainer(_settings: Settings, log: Log, clock: Clock = systemClock): Container {
  return {
    routes: [],
    handling: {
      authenticate: () => Promise.reject(new BrokerError('unauthenticated', 'Log in first.')),
      log,
      clock,
    },
    close: () => Promise.resolve(),
  };
}
