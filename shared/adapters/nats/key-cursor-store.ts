// Cursors of keys mailboxes, in the bucket of the shard's cursors and with its ttl, but under a prefix of their own:
// they are not of the kind that the timer and a listing of a mailbox's cursors read.

import type { KeyCursor } from '../../messages/key-cursor';
import type { KeyCursorStore } from '../../messages/key-messages';
import type { Mailbox } from '../../messages/mailbox';
import type { CursorRoom } from './cursor-keys';
import { RevisionConflict, UnknownOutcome } from './key-value';
import { addressOf, keyCursorKey, keyCursorKeysOf } from './names';
import type { StoreLayout } from './store-layout';

export class JetStreamKeyCursorStore implements KeyCursorStore {
  constructor(
    private readonly layout: StoreLayout,
    private readonly room: CursorRoom,
  ) {}

  async load(
    mailbox: Mailbox,
    clientId: string,
  ): Promise<{ readonly cursor: KeyCursor; readonly revision: number } | undefined> {
    const { bucket, key } = this.#place(mailbox, clientId);
    const entry = await bucket.get(key);
    if (!entry) return undefined;
    return {
      cursor: JSON.parse(Buffer.from(entry.value).toString()) as KeyCursor,
      revision: entry.revision,
    };
  }

  async replace(mailbox: Mailbox, clientId: string, cursor: KeyCursor, revision: number): Promise<boolean> {
    const { bucket, key, shard, token } = this.#place(mailbox, clientId);
    if (revision === 0) await this.room.take(shard, keyCursorKeysOf(token));
    try {
      await bucket.put(key, Buffer.from(JSON.stringify(cursor)), { previousRevision: revision });
      return true;
    } catch (error) {
      if (error instanceof RevisionConflict || error instanceof UnknownOutcome) return false;
      throw error;
    }
  }

  #place(mailbox: Mailbox, clientId: string) {
    const { shard, token } = addressOf(mailbox, this.layout.shardCount);
    return { bucket: this.layout.cursors(shard), key: keyCursorKey(token, clientId), shard, token };
  }
}
