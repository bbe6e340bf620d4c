// The message store as an adapter's test opens it, beside a broker or without one.

import { JetStream } from '../../shared/adapters/nats/jetstream';
import { StoreLayout } from '../../shared/adapters/nats/store-layout';
import type { Log } from '../../shared/log';

export interface OpenStoreOptions {
  /** Default 1. */
  readonly shardCount?: number;
  /** Default: one of an hour. */
  readonly retentionClasses?: readonly string[];
  readonly log?: Log;
}

/** @param url of a server without users */
export function openStore(url: string, options: OpenStoreOptions = {}) {
  const { shardCount = 1, retentionClasses = ['1h'], log = () => undefined } = options;
  const jetStream = new JetStream({ servers: [url], log });
  const layout = new StoreLayout(jetStream, {
    ...{ shardCount, replicas: 1, duplicateWindowSeconds: 120, retentionClasses },
    log,
  });
  return { jetStream, layout };
}
