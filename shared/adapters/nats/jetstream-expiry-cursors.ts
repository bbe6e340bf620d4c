// The timer's view of cursors: all those of a mailbox, by the subjects of their records (design §4).

import { dropSettled, hasAcknowledged } from '../../messages/cursor';
import type { DueMessage, ExpiryCursors, MailboxCursors } from '../../retention/expiry';
import { listCursorKeys } from './cursor-keys';
import type { JetStream } from './jetstream';
import type { JetStreamCursorStore } from './jetstream-cursor-store';
import { cursorKeysOf } from './names';

export class JetStreamExpiryCursors implements ExpiryCursors {
  constructor(
    private readonly jetStream: JetStream,
    private readonly store: JetStreamCursorStore,
  ) {}

  async of(shard: number, mailbox: string): Promise<MailboxCursors> {
    const keys = await listCursorKeys(this.jetStream, shard, cursorKeysOf(mailbox));
    return {
      unacknowledged: (messages) => this.#unacknowledged(shard, keys, messages),
      release: (seqs) => this.#release(shard, keys, seqs),
    };
  }

  async #unacknowledged(
    shard: number,
    keys: readonly string[],
    messages: readonly DueMessage[],
  ): Promise<readonly DueMessage[]> {
    const cursors = await Promise.all(keys.map((key) => this.store.loadAt({ shard, key })));
    return messages.filter((message) => !cursors.some(({ cursor }) => hasAcknowledged(cursor, message)));
  }

  /**
   * This is what keeps the record of a reader small that never comes back: with its last pending message it is down to
   * its positions. The bucket drops it when nothing has changed it for as long as a message may live.
   */
  async #release(shard: number, keys: readonly string[], seqs: ReadonlySet<number>): Promise<void> {
    await Promise.all(
      keys.map((key) =>
        this.store.updateAt({ shard, key }, (found, nowMs) => {
          const cursor = dropSettled(found, nowMs);
          const pending = cursor.pending.without(seqs);
          return { cursor: pending === cursor.pending ? cursor : { ...cursor, pending }, outcome: undefined };
        }),
      ),
    );
  }
}
