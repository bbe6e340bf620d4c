// Every route of the broker as the composition root makes them, with settings that lead nowhere: making them
// connects to nothing.

import { createContainer } from '../../functions/container';
import { readSettings } from '../../shared/config/settings';
import type { Route } from '../../shared/http/route';
import { usableSettings } from './usable-settings';

/** The routes, as functions/index.ts registers them. */
export function brokerRoutes(): readonly Route[] {
  return createContainer(readSettings(usableSettings), () => undefined).routes;
}
