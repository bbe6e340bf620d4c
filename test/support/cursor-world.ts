// A mailbox in memory for the model test of the cursor: a log whose reads are answered by replicas that may be
// behind (each an older prefix of the stream, and each read by another one), and a cursor store with real records
// and real compare-and-set. Nothing of the cursor itself is imitated.

import { type Cursor, CursorCodec, newCursor, type ReadMessage } from '../../shared/messages/cursor';
import type {
  CursorChange,
  CursorName,
  CursorStore,
  LoadedCursor,
  LogFilter,
  LogRead,
  LogStart,
  MessageLog,
  StoredMessage,
} from '../../shared/messages/message-log';
import type { Mailbox } from '../../shared/messages/mailbox';

/** Of a record, that an instance may still know. */
const maxVersions = 4;

export interface World {
  nowMs: number;
  /** How many of the newest messages the replica that answers the next read has not seen; taken one by one. */
  lags: number[];
  /** How many versions ago an instance saw the record that it knows; taken one by one. */
  ages: number[];
  /** Called between steps of different callers, where another one may come in between. */
  yield: () => Promise<void>;
}

/** In which all replicas are up to date and nobody comes in between. */
export const newWorld = (nowMs = 1_800_000_000_000): World => ({
  nowMs,
  lags: [],
  ages: [],
  yield: () => Promise.resolve(),
});

export class LaggingLog implements MessageLog {
  readonly maxBodyBytes = 8 * 1024 * 1024;
  readonly messages: StoredMessage[] = [];
  #nextSeq = 1;
  /** Batch reads, by which a test can tell that a search is bounded. */
  reads = 0;

  constructor(private readonly world: World) {}

  /** Stores a message; `gap` sequences before it belong to other mailboxes of the shard. */
  store(topic: string, sender: string, lifeMs: number, gap: number, bytes = 100): StoredMessage {
    this.#nextSeq += gap;
    const seq = this.#nextSeq++;
    const { nowMs: timeMs } = this.world;
    const message = {
      seq,
      topic,
      sender,
      timeMs,
      endsAtMs: timeMs + lifeMs,
      dueAtMs: timeMs + lifeMs,
      bytes,
      keyNumber: 0,
    };
    const stored = { ...message, body: Buffer.from(`{"seq":${seq}}`) };
    this.messages.push(stored);
    return stored;
  }

  /** Removes what has ended, as the timer does. */
  trim(): void {
    const kept = this.messages.filter(({ endsAtMs }) => endsAtMs > this.world.nowMs);
    this.messages.splice(0, this.messages.length, ...kept);
  }

  append(): Promise<never> {
    return Promise.reject(new Error('Messages are stored through store().'));
  }

  async read(
    _mailbox: Mailbox,
    filter: LogFilter,
    start: LogStart,
    limits: { readonly messages: number; readonly bytes: number },
  ): Promise<LogRead> {
    this.reads++;
    await this.world.yield();
    const matching = this.#replica().filter(
      (message) =>
        matches(filter, message) &&
        ('after' in start ? message.seq > start.after : message.timeMs >= start.fromMs),
    );
    const messages = upTo(matching.slice(0, limits.messages), limits.bytes);
    return { messages, more: matching.length > messages.length };
  }

  async readAt(_mailbox: Mailbox, seqs: readonly number[], bytes: number): Promise<readonly StoredMessage[]> {
    await this.world.yield();
    const wanted = new Set(seqs);
    return upTo(
      this.#replica().filter(({ seq }) => wanted.has(seq)),
      bytes,
    );
  }

  async lastSeq(_mailbox: Mailbox, filter: LogFilter): Promise<number> {
    await this.world.yield();
    return this.messages.findLast((message) => matches(filter, message))?.seq ?? 0;
  }

  async at(_mailbox: Mailbox, seq: number): Promise<StoredMessage | undefined> {
    await this.world.yield();
    return this.messages.find((message) => message.seq === seq);
  }

  generation(): Promise<number> {
    return Promise.resolve(1);
  }

  #replica(): readonly StoredMessage[] {
    const lag = this.world.lags.shift() ?? 0;
    return lag === 0 ? this.messages : this.messages.slice(0, Math.max(0, this.messages.length - lag));
  }
}

/** As the store does: ends with the message that fills the bytes. */
function upTo(messages: readonly StoredMessage[], maxBytes: number): readonly StoredMessage[] {
  let bytes = 0;
  const end = messages.findIndex((message) => (bytes += message.bytes) >= maxBytes);
  return end === -1 ? messages : messages.slice(0, end + 1);
}

function matches({ topic, sender }: LogFilter, message: ReadMessage): boolean {
  return (topic === null || topic === message.topic) && (sender === null || sender === message.sender);
}

interface RecordVersion {
  readonly cursor: Cursor;
  readonly bytes: number;
  readonly revision: number;
}

export class RecordStore implements CursorStore {
  /** All versions of each record, the newest last. */
  readonly #records = new Map<string, RecordVersion[]>();
  readonly #none: RecordVersion = { cursor: newCursor(1), bytes: 0, revision: 0 };
  #revision = 0;

  constructor(private readonly world: World) {}

  async load(name: CursorName): Promise<LoadedCursor> {
    await this.world.yield();
    return { ...this.#newest(name), nowMs: this.world.nowMs };
  }

  known(name: CursorName): Promise<LoadedCursor | undefined> {
    const version = this.#records.get(keyOf(name))?.at(-1 - (this.world.ages.shift() ?? 0));
    return Promise.resolve(version && { ...version, nowMs: this.world.nowMs });
  }

  async update<Outcome>(name: CursorName, change: CursorChange<Outcome>): Promise<Outcome> {
    for (;;) {
      const { cursor, revision } = this.#newest(name);
      const step = change(cursor, this.world.nowMs);
      if (step.cursor === cursor) return step.outcome;
      await this.world.yield();
      if (this.#newest(name).revision !== revision) continue;
      this.#write(name, step.cursor);
      return step.outcome;
    }
  }

  /** Length of a record. Unit: bytes. */
  size(name: CursorName): number {
    return this.#newest(name).bytes;
  }

  #newest(name: CursorName): RecordVersion {
    return this.#records.get(keyOf(name))?.at(-1) ?? this.#none;
  }

  #write(name: CursorName, cursor: Cursor): void {
    const bytes = new CursorCodec().encode(cursor);
    const version = {
      cursor: new CursorCodec().decode(bytes),
      bytes: bytes.byteLength,
      revision: ++this.#revision,
    };
    const versions = this.#records.get(keyOf(name)) ?? [];
    this.#records.set(keyOf(name), [...versions.slice(-maxVersions), version]);
  }
}

function keyOf({ mailbox, clientId, from }: CursorName): string {
  return JSON.stringify([mailbox, clientId, from]);
}
