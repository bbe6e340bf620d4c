// The timer's view of cursors: all those of a mailbox, by the subjects of their records (design §4).

import { hasAcknowledged } from '../../messages/cursor';
import type { DueMessage, ExpiryCursors } from '../../retention/expiry';
import type { JetStream } from './jetstream';
import type { JetStreamCursorStore } from './jetstream-cursor-store';
import { bucketStream, bucketSubject, cursorBucket, cursorKeysOf } from './names';

export class JetStreamExpiryCursors implements ExpiryCursors {
  constructor(
    private readonly jetStream: JetStream,
    private readonly store: JetStreamCursorStore,
  ) {}

  async unacknowledged(
    shard: number,
    mailbox: string,
    messages: readonly DueMessage[],
  ): Promise<readonly DueMessage[]> {
    const keys = await this.#keysOf(shard, mailbox);
    const cursors = await Promise.all(keys.map((key) => this.store.loadAt({ shard, key })));
    return messages.filter((message) => !cursors.some(({ cursor }) => hasAcknowledged(cursor, message)));
  }

  async release(shard: number, mailbox: string, seqs: ReadonlySet<number>): Promise<void> {
    const keys = await this.#keysOf(shard, mailbox);
    await Promise.all(
      keys.map((key) =>
        this.store.updateAt({ shard, key }, (cursor) => {
          const pending = cursor.pending.without(seqs);
          return { cursor: pending === cursor.pending ? cursor : { ...cursor, pending }, outcome: undefined };
        }),
      ),
    );
  }

  /** Stream info with a subjects filter: ten times faster than a listing of keys. */
  async #keysOf(shard: number, mailbox: string): Promise<readonly string[]> {
    const bucket = cursorBucket(shard);
    const prefix = bucketSubject(bucket, '');
    const state = await this.jetStream.streamState(
      bucketStream(bucket),
      bucketSubject(bucket, cursorKeysOf(mailbox)),
    );
    return Object.keys(state?.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }
}
