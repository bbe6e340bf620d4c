// One file, its owner, recipients, the timer and a clock, in memory: every call of a port is a step that a scheduler
// orders, and at any of them a process may die.

import { createHash } from 'node:crypto';
import type { Scheduler } from 'fast-check';
import { BrokerError } from '../../shared/broker-error';
import {
  type CompletedFile,
  ContentValidation,
  DirectFiles,
  FileCompletion,
  FileSweep,
  type IncomingFile,
  LegacyFiles,
  PublishedFiles,
} from '../../shared/files';
import { isReadable } from '../../shared/files/file-record';
import { Delivery, mailboxToken, MessageIds, type MessageLog, senderToken } from '../../shared/messages';
import { messageLife, RetentionPolicy } from '../../shared/retention';
import { Turns } from '../../shared/turns';
import { MemoryFileStore } from './memory-file-store';

export interface LifecycleCommand {
  readonly action:
    'upload' | 'overwrite' | 'complete' | 'legacy' | 'lateLegacy' | 'share' | 'remove' | 'sweep';
  /** Number of the step at which the process dies. */
  readonly diesAt: number | undefined;
}

interface Message {
  readonly seq: number;
  readonly recipient: string;
  readonly fileId: string;
  readonly isShared: boolean;
  readonly unique: string | undefined;
  readonly timeMs: number;
  readonly endsAtMs: number;
  readonly body: Uint8Array;
}

/** A process has died: nothing of it runs any further. */
class Died extends Error {}

const ownClass = { name: '1h', spanMs: 3_600_000 };
const retention = new RetentionPolicy([ownClass], ownClass);
const duplicateWindowMs = 120_000;
/** How long after the end of its URL an upload may still land. */
const lateUploadMs = 300_000;
const owner = { did: 'did:ethr:volta:0xowner', roles: [] };
const topicId = '0123456789abcdef01234567';
const bytes = Buffer.from('the bytes that were declared');

export class FileLifecycleWorld {
  readonly recipients = ['did:ethr:volta:0xa', 'did:ethr:volta:0xb'];
  readonly #store = new MemoryFileStore();
  readonly #messages: Message[] = [];
  readonly #ids = new MessageIds([{ number: 1, key: Buffer.alloc(32, 1) }]);
  #nowMs = Date.UTC(2026, 0, 1);
  #fileId = '';
  #uploadEndsAtMs = 0;
  #isRemoved = false;

  constructor(private readonly scheduler: Scheduler) {}

  async open(): Promise<void> {
    const { fileId, upload } = await this.#process(undefined, false).files.open({
      ownerDid: owner.did,
      recipients: this.recipients,
      topicId,
      topicVersion: '1.0.0',
      fileName: 'x',
      sizeBytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      signature: '',
      clientGatewayMessageId: 'id',
      payloadEncryption: true,
    });
    this.#fileId = fileId;
    this.#uploadEndsAtMs = upload.expiresAtMs;
  }

  /** Time passes. What runs at once takes less than the store remembers transactions for. */
  wait(waitMs: number): void {
    this.#nowMs += waitMs;
  }

  /** Does it, as a process of its own; refusals and deaths are part of life. */
  async run({ action, diesAt }: LifecycleCommand): Promise<void> {
    const { files, legacyFiles, sweep, step } = this.#process(diesAt);
    try {
      switch (action) {
        case 'upload':
        case 'overwrite':
          await step('put');
          // One that began in time may end later, and the store's clock may be behind.
          if (this.#nowMs < this.#uploadEndsAtMs + lateUploadMs) {
            this.#store.put(this.#fileId, action === 'upload' ? bytes : Buffer.from('other bytes'));
          }
          break;
        case 'complete':
          await files.complete(owner, this.#fileId);
          break;
        case 'legacy':
          await this.#sendLegacy(await legacyFiles.receive(owner.did));
          break;
        case 'lateLegacy':
          await this.#sendLate(diesAt);
          break;
        case 'share':
          await files.share(owner.did, this.#fileId, ['did:ethr:volta:0xc'], ownClass.spanMs);
          await step('append');
          this.#append('did:ethr:volta:0xc', undefined, undefined);
          break;
        case 'remove':
          await step('remove');
          this.#isRemoved = true;
          await files.remove(owner.did, this.#fileId);
          break;
        case 'sweep':
          await sweep.run(() => false);
      }
    } catch (error) {
      if (!(error instanceof Died || error instanceof BrokerError)) throw error;
    }
  }

  complete(): Promise<CompletedFile> {
    return this.#process(undefined).files.complete(owner, this.#fileId);
  }

  /** Messages that live and refer to bytes nobody can read, though the owner did not remove them. */
  danglingMessages(): readonly string[] {
    return this.#messages
      .filter(({ endsAtMs }) => endsAtMs > this.#nowMs)
      .filter(({ fileId }) => !(this.#isRemoved && fileId === this.#fileId) && !this.#isThere(fileId))
      .map(({ recipient }) => recipient);
  }

  #isThere(fileId: string): boolean {
    const record = this.#store.record(fileId);
    return (
      record !== undefined &&
      isReadable(record, this.#nowMs) &&
      this.#store.content(fileId, record.snapshot)?.toString() === bytes.toString()
    );
  }

  /** Recipients that completing has sent more than one message. */
  repeatedRecipients(): readonly string[] {
    const completed = this.#messages
      .filter(({ fileId, isShared }) => fileId === this.#fileId && !isShared)
      .map(({ recipient }) => recipient);
    return completed.filter((recipient, index) => completed.indexOf(recipient) !== index);
  }

  messageIds(): readonly string[] {
    return this.recipients.flatMap((recipient) =>
      this.#messages
        .filter((message) => message.recipient === recipient)
        .map(({ seq }) => {
          const mailbox = mailboxToken({ kind: 'did', identifier: recipient });
          return this.#ids.seal(seq, { mailbox, generation: 1 }, 1);
        }),
    );
  }

  /** What lies in the stores. */
  leftovers(): readonly string[] {
    return [...this.#store.records.keys(), ...this.#store.contents.keys()];
  }

  #process(diesAt: number | undefined, isScheduled = true, landLater?: (land: () => void) => void) {
    let steps = 0;
    const step = async (call: string): Promise<void> => {
      if (isScheduled) await this.scheduler.schedule(Promise.resolve(), call);
      if (diesAt !== undefined && steps++ >= diesAt) throw new Died();
    };
    const { records, contents } = this.#store.open(step, landLater);
    const clock = () => this.#nowMs;
    const messageLog = this.#messageLog(step);
    const catalog = {
      requireVersion: () =>
        Promise.resolve({
          topic: {
            id: topicId,
            revision: 1,
            schemaType: 'JSD7' as const,
            deleted: false,
            versions: new Map(),
          },
          schema: { schemaType: 'JSD7' as const, schemaHash: '', readText: () => Promise.resolve('{}') },
        }),
    };
    const validation = new ContentValidation({
      payloads: { compile: () => Promise.resolve(), validatePayload: () => Promise.resolve() },
      maxWholeBytes: 0,
    });
    const completion = new FileCompletion({
      records,
      contents,
      catalog,
      validation,
      delivery: new Delivery({
        participants: { exists: () => Promise.resolve(true) },
        admission: { admits: () => Promise.resolve(true) },
        anonymousMailboxes: { find: () => Promise.resolve(undefined) },
        messageLog,
        messageIds: this.#ids,
        log: () => undefined,
      }),
      published: new PublishedFiles(messageLog, this.#ids),
      retention,
      maxDigestBytes: 1_000_000,
      clock,
    });
    const files = new DirectFiles({
      records,
      contents,
      catalog,
      validation,
      completion,
      retention,
      slotRoom: { take: () => Promise.resolve(), giveBack: () => undefined },
      maxFileBytes: 1_000_000,
      slotMs: 6 * 3_600_000,
      urlMs: 900_000,
      clock,
    });
    const legacyFiles = new LegacyFiles({
      records,
      contents,
      catalog,
      validation,
      completion,
      directFiles: files,
      uploads: new Turns({}),
      downloads: new Turns({}),
      retention,
      clock,
      log: () => undefined,
    });
    return { files, legacyFiles, sweep: new FileSweep({ records, contents, clock }), step };
  }

  #messageLog(step: (call: string) => Promise<void>): MessageLog {
    const inMailbox = (identifier: string) =>
      this.#messages.filter(({ recipient, endsAtMs }) => recipient === identifier && endsAtMs > this.#nowMs);
    return {
      maxBodyBytes: 8_000_000,
      append: async ({ mailbox, transactionId, body }) => {
        await step('append');
        const appended = this.#append(mailbox.identifier, body, transactionId);
        await step('append done');
        return appended;
      },
      read: async ({ identifier }, _filter, start) => {
        await step('read messages');
        const messages = inMailbox(identifier)
          .filter(({ seq, timeMs }) => ('after' in start ? seq > start.after : timeMs >= start.fromMs))
          .map(asStored);
        return { messages, more: false };
      },
      lastSeq: async ({ identifier }) => {
        await step('last message');
        return inMailbox(identifier).at(-1)?.seq ?? 0;
      },
      generation: () => Promise.resolve(1),
      readAt: () => Promise.reject(new Error('not used here')),
      at: async ({ identifier }, seq) => {
        await step('one message');
        return inMailbox(identifier)
          .filter((message) => message.seq === seq)
          .map(asStored)[0];
      },
    };
  }

  /** @param body absent: a message that refers to the file without announcing it */
  #append(recipient: string, body: Uint8Array | undefined, unique: string | undefined) {
    const isDuplicate =
      unique !== undefined &&
      this.#messages.some(
        (message) =>
          message.recipient === recipient &&
          message.unique === unique &&
          this.#nowMs - message.timeMs < duplicateWindowMs,
      );
    if (isDuplicate) return { outcome: 'duplicate' } as const;
    const timeMs = this.#nowMs;
    const { endsAtMs } = messageLife(timeMs, ownClass.name, undefined);
    const seq = this.#messages.length + 1;
    const stored = body ?? Buffer.from('{}');
    const fileId = body ? fileIdIn(body) : this.#fileId;
    this.#messages.push({
      seq,
      recipient,
      fileId,
      isShared: !body,
      unique,
      timeMs,
      endsAtMs,
      body: stored,
    });
    return { outcome: 'stored', seq } as const;
  }

  /** The store is silent when the bytes are committed, and does it after all when the broker has given them up. */
  async #sendLate(diesAt: number | undefined): Promise<void> {
    const landings: (() => void)[] = [];
    const { legacyFiles } = this.#process(diesAt, true, (land) => landings.push(land));
    const incoming = await legacyFiles.receive(owner.did);
    try {
      await this.#sendLegacy(incoming).finally(() => incoming.end());
    } finally {
      for (const land of landings) land();
    }
  }

  async #sendLegacy(incoming: IncomingFile): Promise<void> {
    await incoming.take(ReadableStream.from([bytes]) as AsyncIterable<Uint8Array>);
    await incoming.finish(owner, {
      ownerDid: owner.did,
      recipients: this.recipients,
      topicId,
      topicVersion: '1.0.0',
      fileName: 'x',
      signature: '',
      clientGatewayMessageId: 'id',
      payloadEncryption: true,
    });
  }
}

const asStored = (message: Message) => ({
  ...message,
  ...messageLife(message.timeMs, ownClass.name, undefined),
  topic: topicId,
  sender: senderToken(owner.did),
  bytes: message.body.byteLength,
  keyNumber: 1,
});

function fileIdIn(body: Uint8Array): string {
  const { payload } = JSON.parse(Buffer.from(body).toString()) as { payload: string };
  return (JSON.parse(payload) as { fileId: string }).fileId;
}
