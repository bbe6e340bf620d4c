// Which cursors there are, by the subjects of their records.

import type { JetStream } from './jetstream';
import { bucketStream, bucketSubject, cursorBucket } from './names';
import { Room } from '../../room';

/**
 * Keys of the records that a filter names. By stream info with a subjects filter: ten times faster than a listing of
 * keys (design §4).
 * @throws BrokerError `message-store-unavailable`
 */
export async function listCursorKeys(
  jetStream: JetStream,
  shard: number,
  filter: string,
): Promise<readonly string[]> {
  const bucket = cursorBucket(shard);
  const prefix = bucketSubject(bucket, '');
  const state = await jetStream.streamState(bucketStream(bucket), bucketSubject(bucket, filter));
  return Object.keys(state?.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}

/** Room for cursors of one mailbox, which a filter of their keys names. */
export class CursorRoom {
  readonly #room: Room;

  /** @param max of one mailbox */
  constructor(jetStream: JetStream, max: number) {
    this.#room = new Room({
      max,
      what: 'cursors of a mailbox, each a client id with a `from`',
      count: async (place) => {
        const [shard, filter = ''] = place.split(' ');
        return (await listCursorKeys(jetStream, Number(shard), filter)).length;
      },
    });
  }

  /** Takes room for one more. @throws BrokerError `limit-reached` */
  take(shard: number, filter: string): Promise<void> {
    return this.#room.take(`${shard} ${filter}`);
  }
}
