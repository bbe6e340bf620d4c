// Every expiry queue there is: all shards, one after the other, and in each all classes of which messages may be stored.

import type { ExpiryQueue } from '../../retention/expiry';
import type { DirectGet } from './direct-get';
import type { JetStream } from './jetstream';
import { JetStreamExpiryQueue } from './jetstream-expiry-queue';
import type { StoreLayout } from './store-layout';

export interface ExpiryQueuesOptions {
  readonly jetStream: JetStream;
  readonly directGet: DirectGet;
  readonly layout: StoreLayout;
  readonly replicas: number;
  /** See JetStreamExpiryQueue. Unit: ms. */
  readonly ackWaitMs?: number;
}

export async function listExpiryQueues(options: ExpiryQueuesOptions): Promise<readonly ExpiryQueue[]> {
  const { layout } = options;
  const classes = await layout.storedClasses();
  return [...Array(layout.shardCount).keys()].flatMap((shard) =>
    classes.map(
      ({ name, configured }) =>
        new JetStreamExpiryQueue({ ...options, shard, retentionClass: name, configured }),
    ),
  );
}
