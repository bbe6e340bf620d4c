// The message log on JetStream: one stream per shard, one stored message per recipient (design §3–§5).

import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type {
  Appended,
  LogFilter,
  LogRead,
  LogStart,
  MessageCount,
  MessageCounts,
  MessageLog,
  NewMessage,
  StoredMessage,
} from '../../messages/message-log';
import { parseClaim } from '../../messages/claim-check';
import { type Mailbox, mailboxToken, senderToken } from '../../messages/mailbox';
import { envelopeBytes } from '../../messages/message-body';
import { messageLife } from '../../retention/message-life';
import type { DirectBatch, DirectGet, DirectGetStart, DirectMessage } from './direct-get';
import { type JetStream, retryBudgetMs } from './jetstream';
import { attemptHeader, claimHeader, keyHeader, lifeHeader, recipientHeader } from './message-headers';
import {
  addressOf,
  attemptIdHeader,
  mailStream,
  type MailboxAddress,
  messageIdHeader,
  messageSubject,
  parseMessageSubject,
  subjectFilter,
} from './names';
import type { StoreLayout } from './store-layout';

const maxBatchBytes = 4 * 1024 * 1024;
const maxBatchMessages = 1_000;
/** A first read is usually small: asking for less lets more reads be on their way at once. */
const firstBatchBytes = 256 * 1024;
/** 1 January 2262. Unit: ms since the epoch. */
const latestStartMs = Date.UTC(2262, 0);
/** Pending messages this close in the stream are read as one run. Unit: sequences. */
const runGap = 64;
/** About 6 MB. */
const maxQuiet = 20_000;

export interface MessageLogOptions {
  readonly jetStream: JetStream;
  readonly directGet: DirectGet;
  readonly layout: StoreLayout;
  /** How long the stream remembers a Nats-Msg-Id. Unit: s. */
  readonly duplicateWindowSeconds: number;
}

export class JetStreamMessageLog implements MessageLog, MessageCounts {
  /** `max_payload` of infra/nats/nats.conf, less room for headers. */
  readonly maxBodyBytes = 8 * 1024 * 1024 - 16 * 1024;

  /**
   * Reads that brought nothing, by stream sequence and subject filter: through which sequence that is certain. A
   * fact about the stream, whichever cursor it was read for; 0 where the replica did not say.
   */
  readonly #quiet = new LRUCache<string, number>({ max: maxQuiet });

  constructor(private readonly options: MessageLogOptions) {}

  async append(message: NewMessage): Promise<Appended> {
    const { jetStream, duplicateWindowSeconds } = this.options;
    const address = this.#address(message.mailbox);
    const { layout } = this.options;
    await layout.generation(address.shard);
    const lastSeq = layout.lastSeq(address.shard);
    const sender = senderToken(message.senderDid);
    const { transactionId, topicId, attempt = randomUUID() } = message;
    const ack = await jetStream.publish(
      messageSubject(address, { topicId, sender, retentionClass: message.retentionClass }),
      message.body,
      {
        ...identityOf(message, attempt, sender, address.token),
        [keyHeader]: String(message.keyNumber),
        ...(message.claim ? { [claimHeader]: JSON.stringify(message.claim) } : {}),
        ...(message.lifeMs === undefined ? {} : { [lifeHeader]: String(message.lifeMs) }),
        // Percent-encoded: a header holds no line end, and not every server and client agrees on its encoding.
        ...(message.recipient === undefined
          ? {}
          : { [recipientHeader]: encodeURIComponent(message.recipient) }),
      },
      // A try after the window would store the message twice.
      Math.min(retryBudgetMs, duplicateWindowSeconds * 1_000),
    );
    // The stream was made again meanwhile, or may have been while nobody answered: its ids have another generation.
    if (ack.tries > 1 || (!ack.duplicate && ack.seq <= lastSeq)) await layout.generationNow(address.shard);
    if (!ack.duplicate) return { outcome: 'stored', seq: ack.seq };
    // The answer to a repetition: either our own first try was stored and its answer lost, or somebody else's
    // message with this transaction id was there before. Without one the id is this attempt's alone.
    if (transactionId === undefined) return { outcome: 'stored', seq: ack.seq };
    if (ack.tries === 1 && message.attempt === undefined) return { outcome: 'duplicate' };
    const stored = await jetStream.messageAt(mailStream(address.shard), ack.seq);
    const ours = !stored || stored.headers.get(attemptHeader) === attempt;
    return ours ? { outcome: 'stored', seq: ack.seq } : { outcome: 'duplicate' };
  }

  async read(
    mailbox: Mailbox,
    filter: LogFilter,
    start: LogStart,
    limits: { readonly messages: number; readonly bytes: number },
  ): Promise<LogRead> {
    const address = this.#address(mailbox);
    const generation = await this.options.layout.generation(address.shard);
    const stream = mailStream(address.shard);
    const subject = subjectFilter(address, filter.topic ?? undefined, filter.sender ?? undefined);
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let from: DirectGetStart | undefined =
      'after' in start ? await this.#quietUntil(stream, generation, subject, start) : toDirectGetStart(start);
    if (!from) return { messages, more: false };
    for (;;) {
      const batch: DirectBatch = await this.options.directGet.read(stream, {
        ...from,
        next_by_subj: subject,
        batch: Math.min(maxBatchMessages, limits.messages - messages.length),
        max_bytes: Math.min(messages.length ? maxBatchBytes : firstBatchBytes, limits.bytes),
      });
      for (const message of batch.messages) {
        messages.push(toStored(message));
        bytes += message.data.byteLength;
      }
      const last = batch.messages.at(-1)?.seq;
      if (!messages.length && 'after' in start)
        this.#quiet.set(quietKey(generation, subject, start.after), 0);
      if (!batch.more || last === undefined || messages.length >= limits.messages || bytes >= limits.bytes) {
        return { messages, more: batch.more };
      }
      from = { seq: last + 1 };
    }
  }

  /**
   * Where a read after a sequence begins, or undefined when this replica has nothing. A batch makes the server walk
   * over what others were sent since, up to a block of 8 MB, 1.8 ms; so where the last read brought nothing, only
   * the last messages of the subject are asked for first, 0.1 ms whatever lies between (2.15.1, one core); unless a
   * message is said to have arrived: the look would be a call more.
   */
  async #quietUntil(
    stream: string,
    generation: number,
    subject: string,
    { after, hasArrived }: Extract<LogStart, { readonly after: number }>,
  ): Promise<DirectGetStart | undefined> {
    const key = quietKey(generation, subject, after);
    const through = this.#quiet.get(key);
    if (through === undefined || hasArrived) return { seq: Math.max(after, through ?? 0) + 1 };
    const { messages, more, upTo } = await this.options.directGet.read(stream, {
      multi_last: [subject],
      seq: after + 1,
      batch: 1,
      max_bytes: 1,
    });
    if (messages.length || more) {
      this.#quiet.delete(key);
      return { seq: Math.max(after, through) + 1 };
    }
    this.#quiet.set(key, upTo);
    return undefined;
  }

  async readAt(mailbox: Mailbox, seqs: readonly number[], bytes: number): Promise<readonly StoredMessage[]> {
    const address = this.#address(mailbox);
    await this.options.layout.generation(address.shard);
    const found: StoredMessage[] = [];
    let foundBytes = 0;
    for (const window of windowsOf(runsOf(seqs))) {
      const left = bytes - foundBytes;
      const runs = await Promise.all(window.map((run) => this.#readRun(address, run, left)));
      for (const message of runs.flat()) {
        found.push(message);
        foundBytes += message.bytes;
      }
      if (foundBytes >= bytes) break;
    }
    return found;
  }

  async lastSeq(mailbox: Mailbox, filter: LogFilter): Promise<number> {
    const address = this.#address(mailbox);
    await this.options.layout.generation(address.shard);
    const subject = subjectFilter(address, filter.topic ?? undefined, filter.sender ?? undefined);
    return (await this.options.jetStream.lastBySubject(mailStream(address.shard), subject))?.seq ?? 0;
  }

  async count(mailbox: Mailbox, filter: LogFilter, start: LogStart): Promise<MessageCount> {
    const address = this.#address(mailbox);
    await this.options.layout.generation(address.shard);
    const { messages, left } = await this.options.directGet.read(mailStream(address.shard), {
      ...toDirectGetStart(start),
      next_by_subj: subjectFilter(address, filter.topic ?? undefined, filter.sender ?? undefined),
      batch: 1,
      max_bytes: 1,
    });
    const [first] = messages;
    return { count: messages.length + left, first: first && toStored(first) };
  }

  async cells(mailbox: Mailbox): Promise<readonly { readonly topic: string; readonly sender: string }[]> {
    const address = this.#address(mailbox);
    const state = await this.options.jetStream.streamState(
      mailStream(address.shard),
      subjectFilter(address, undefined, undefined),
    );
    const cells = new Map<string, { topic: string; sender: string }>();
    for (const subject of Object.keys(state?.subjects ?? {})) {
      const { topicId: topic, sender } = parseMessageSubject(subject);
      cells.set(`${topic} ${sender}`, { topic, sender });
    }
    return [...cells.values()];
  }

  async at(mailbox: Mailbox, seq: number): Promise<StoredMessage | undefined> {
    const address = this.#address(mailbox);
    await this.options.layout.generation(address.shard);
    const message = await this.options.jetStream.messageAt(mailStream(address.shard), seq);
    // The sequence is the shard's: it may be somebody else's message.
    if (message?.subject.split('.')[2] !== mailboxToken(mailbox)) return undefined;
    return toStored({ ...message, header: (name) => message.headers.get(name) ?? '' });
  }

  generation(mailbox: Mailbox): Promise<number> {
    return this.options.layout.generation(this.#address(mailbox).shard);
  }

  /**
   * The messages of one run that the replica has, up to `bytes`; what lies between them is read too and left out.
   * Where the bytes cut one run, those of the runs behind it are beyond the caller's bytes anyway.
   */
  async #readRun(
    address: MailboxAddress,
    run: readonly number[],
    bytes: number,
  ): Promise<readonly StoredMessage[]> {
    const wanted = new Set(run);
    const last = run.at(-1) ?? 0;
    const found: StoredMessage[] = [];
    let foundBytes = 0;
    let next = run[0];
    while (next !== undefined && foundBytes < bytes) {
      const from = next;
      const left = run.filter((seq) => seq >= from).length;
      const batch = await this.options.directGet.read(mailStream(address.shard), {
        seq: from,
        next_by_subj: subjectFilter(address, undefined, undefined),
        batch: left,
        max_bytes: left === 1 ? firstBatchBytes : maxBatchBytes,
      });
      for (const message of batch.messages) {
        if (!wanted.has(message.seq)) continue;
        found.push(toStored(message));
        foundBytes += message.data.byteLength;
      }
      const reached = batch.messages.at(-1)?.seq ?? last;
      next = batch.more ? run.find((seq) => seq > reached) : undefined;
    }
    return found;
  }

  #address(mailbox: Mailbox): MailboxAddress {
    return addressOf(mailbox, this.options.layout.shardCount);
  }
}

/** The headers by which a message that is stored twice is known. */
function identityOf(
  { transactionId, topicId, attempt: repeatable }: NewMessage,
  attempt: string,
  sender: string,
  mailbox: string,
): Readonly<Record<string, string>> {
  if (transactionId !== undefined) {
    return {
      'Nats-Msg-Id': messageIdHeader(sender, mailbox, topicId, transactionId),
      [attemptHeader]: attempt,
    };
  }
  if (repeatable === undefined) return { 'Nats-Msg-Id': attempt };
  return { 'Nats-Msg-Id': attemptIdHeader(sender, mailbox, topicId, attempt), [attemptHeader]: attempt };
}

const quietKey = (generation: number, subject: string, after: number): string =>
  `${generation} ${after} ${subject}`;

/**
 * The server counts nanoseconds in 64 bits: an instant before 1678 or after April 2262 wraps around there, and one
 * outside the years 0–9999 has no form in RFC 3339. No message is stored before 1970 or in the year 2262.
 */
function toDirectGetStart(start: LogStart): DirectGetStart {
  if ('after' in start) return { seq: start.after + 1 };
  if (start.fromMs <= 0) return { seq: 1 };
  return { start_time: new Date(Math.min(start.fromMs, latestStartMs)).toISOString() };
}

function toStored(message: DirectMessage): StoredMessage {
  const { topicId, sender, retentionClass } = parseMessageSubject(message.subject);
  const life = message.header(lifeHeader);
  const claimText = message.header(claimHeader);
  const claim = claimText ? parseClaim(claimText) : undefined;
  return {
    seq: message.seq,
    topic: topicId,
    sender,
    timeMs: message.timeMs,
    ...messageLife(message.timeMs, retentionClass, life ? Number(life) : undefined),
    bytes: message.data.byteLength + envelopeBytes + (claim?.length ?? 0),
    keyNumber: Number(message.header(keyHeader)),
    attempt: message.header(attemptHeader),
    body: message.data,
    ...(claim ? { claim } : {}),
  };
}

/** Groups ascending sequences into runs that are worth one batch each. */
function runsOf(seqs: readonly number[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  let previous = -Infinity;
  for (const seq of seqs) {
    const run = runs.at(-1);
    if (run && seq - previous <= runGap && run.length < maxBatchMessages) run.push(seq);
    else runs.push([seq]);
    previous = seq;
  }
  return runs;
}

/** Runs that are read at once; the next ones only when the bytes are not used up. */
function windowsOf(runs: readonly (readonly number[])[]): readonly (readonly (readonly number[])[])[] {
  const windowSize = 8;
  return Array.from({ length: Math.ceil(runs.length / windowSize) }, (_none, index) =>
    runs.slice(index * windowSize, (index + 1) * windowSize),
  );
}
