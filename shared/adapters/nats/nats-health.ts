// Health of the message store: connected, of a known layout, and its leader answers.

import type { HealthCheck } from '../../operations/health';
import type { StoreLayout } from './store-layout';

export class NatsHealth implements HealthCheck {
  readonly name = 'nats';

  constructor(private readonly layout: StoreLayout) {}

  check(): Promise<void> {
    return this.layout.check();
  }
}
