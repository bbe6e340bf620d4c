// Every expiry queue there is: all shards, one after the other, and in each all classes of which messages may be stored.

import { mapConcurrently } from '../../map-concurrently';
import type { ExpiryQueue } from '../../retention/expiry';
import type { DirectGet } from './direct-get';
import type { JetStream } from './jetstream';
import { JetStreamExpiryQueue } from './jetstream-expiry-queue';
import type { StoreLayout } from './store-layout';

const concurrentShards = 8;

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
  const shards = await mapConcurrently(
    [...Array(layout.shardCount).keys()],
    concurrentShards,
    async (shard) => ({
      shard,
      // A run is rare, and a stream that somebody has deleted is made again by it.
      generation: await layout.generationNow(shard),
    }),
  );
  return shards.flatMap((shard) =>
    classes.map(
      ({ name, configured }) =>
        new JetStreamExpiryQueue({ ...options, ...shard, retentionClass: name, configured }),
    ),
  );
}
