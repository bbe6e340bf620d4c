// The timer's view of cursors: all those of a mailbox, by the subjects of their records (design §4).

import { dropSettled, hasAcknowledged } from '../../messages/cursor';
import type { DueMessage, ExpiryCursors, MailboxCursors } from '../../retention/expiry';
import { mapConcurrently } from '../../map-concurrently';
import { listCursorKeys } from './cursor-keys';
import type { JetStream } from './jetstream';
import type { JetStreamCursorStore } from './jetstream-cursor-store';
import { cursorKeysOf } from './names';

/** Of one mailbox, read or changed at once: many mailboxes are looked after at the same time. */
const concurrentCursors = 8;

export class JetStreamExpiryCursors implements ExpiryCursors {
  constructor(
    private readonly jetStream: JetStream,
    private readonly store: JetStreamCursorStore,
  ) {}

  /** Cursor after cursor: of what was read only the answer is kept, as a mailbox may have thousands of them. */
  async of(shard: number, mailbox: string, messages: readonly DueMessage[]): Promise<MailboxCursors> {
    const keys = await listCursorKeys(this.jetStream, shard, cursorKeysOf(mailbox));
    const seqs = new Set(messages.map(({ seq }) => seq));
    let unacknowledged = messages;
    /** Revisions of those that hold one of the messages pending, by key. */
    const holding = new Map<string, number>();
    await mapConcurrently(keys, concurrentCursors, async (key) => {
      const { cursor, revision } = await this.store.lookAt({ shard, key });
      unacknowledged = unacknowledged.filter((message) => !hasAcknowledged(cursor, message));
      if (cursor.pending.without(seqs) !== cursor.pending) holding.set(key, revision);
    });
    return { unacknowledged, release: () => this.#release(shard, holding, seqs) };
  }

  /**
   * This is what keeps the record of a reader small that never comes back: with its last pending message it is down to
   * its positions. The bucket drops it when nothing has changed it for as long as a message may live.
   */
  async #release(
    shard: number,
    holding: ReadonlyMap<string, number>,
    seqs: ReadonlySet<number>,
  ): Promise<void> {
    await mapConcurrently([...holding], concurrentCursors, ([key, revision]) =>
      this.store.updateAt(
        { shard, key },
        (found, nowMs) => {
          const cursor = dropSettled(found, nowMs);
          const pending = cursor.pending.without(seqs);
          return { cursor: pending === cursor.pending ? cursor : { ...cursor, pending }, outcome: undefined };
        },
        revision,
      ),
    );
  }
}
