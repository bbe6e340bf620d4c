// How much the message streams hold: what the alert about a store that is nearly full goes by
// (infra/bicep/modules/alerts.bicep).

import type { JetStream } from './jetstream';
import { mailStream } from './names';

/** Bytes in all message streams; every node of a cluster holds them all. */
export async function storedBytes(jetStream: JetStream, shardCount: number): Promise<number> {
  let bytes = 0;
  for (let shard = 0; shard < shardCount; shard++) {
    bytes += (await jetStream.streamState(mailStream(shard)))?.bytes ?? 0;
  }
  return bytes;
}
