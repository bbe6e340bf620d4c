// What participants do all day, at a low rate: publish, search and acknowledge, receive and acknowledge, wait for
// messages, read topics, send a file now and then; and the timer. One request at a time for each of them.

import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { uploadBlocks } from '../../client';
import type { LoadWorld } from '../load/world';

export interface LoadCounts {
  /** By name. */
  readonly done: ReadonlyMap<string, number>;
  /** Answers that were not 2xx: what was done and the status. */
  readonly failures: ReadonlyMap<string, number>;
}

interface Found {
  readonly messageId: string;
}
interface Received {
  readonly messages: readonly { readonly leaseToken: string }[];
}

export class MixedLoad {
  readonly #done = new Map<string, number>();
  readonly #failures = new Map<string, number>();

  constructor(
    private readonly world: LoadWorld,
    /** Of each participant, between two things that it does, on average. Unit: ms. */
    private readonly pauseMs: number,
  ) {}

  get counts(): LoadCounts {
    return { done: this.#done, failures: this.#failures };
  }

  /** Goes on until the signal; returns when the last answer has come. */
  async run(until: AbortSignal): Promise<void> {
    const { participants } = this.world;
    await Promise.all(
      participants.flatMap((_one, index) => [
        this.#repeat(until, this.pauseMs, () => this.#publish(index)),
        this.#repeat(until, this.pauseMs * 4, () => this.#searchAndAcknowledge(index)),
        this.#repeat(until, this.pauseMs * 4, () => this.#receiveAndAcknowledge(index)),
      ]),
    ).then(() => undefined);
  }

  /** What is not done by everybody. */
  async runOccasional(until: AbortSignal): Promise<void> {
    const { stack } = this.world;
    await Promise.all([
      this.#repeat(until, 500, () => this.#readTopics()),
      this.#repeat(until, 5_000, () => this.#sendFile()),
      this.#repeat(until, 10_000, async () => {
        const answer = await fetch(`${stack.url}/admin/functions/retention`, { method: 'POST', body: '{}' });
        this.#count('timer', answer.status);
      }),
    ]);
  }

  async #repeat(until: AbortSignal, pauseMs: number, work: () => Promise<void>): Promise<void> {
    while (!until.aborted) {
      await delay(pauseMs * (0.5 + Math.random()));
      await work().catch((error: unknown) => this.#fail((error as Error).message));
    }
  }

  async #publish(index: number): Promise<void> {
    const { topicId, participants } = this.world;
    const recipients = [1, 2].map((step) => participants[(index + step) % participants.length]?.did);
    await this.#call(index, 'publish', 'POST', '/messages', {
      ...{ fqcns: recipients, topicId, topicVersion: '1.0.0', payloadEncryption: true, signature: 'soak' },
      payload: 'x'.repeat(200 + Math.floor(Math.random() * 2_000)),
      clientGatewayMessageId: randomUUID(),
      ...(Math.random() < 0.3 ? { transactionId: randomUUID() } : {}),
      ...(Math.random() < 0.3 ? { ttlSeconds: 60 } : {}),
    });
  }

  async #searchAndAcknowledge(index: number): Promise<void> {
    const found = await this.#call<readonly Found[]>(index, 'search', 'POST', '/messages/search', {
      ...{ clientId: 'soak', amount: 100 },
    });
    const messageIds = (found ?? []).map(({ messageId }) => messageId);
    if (messageIds.length > 0)
      await this.#call(index, 'acknowledge', 'POST', '/messages/ack', { clientId: 'soak', messageIds });
  }

  async #receiveAndAcknowledge(index: number): Promise<void> {
    const waitSeconds = Math.random() < 0.3 ? 3 : 0;
    const received = await this.#call<Received>(
      index,
      waitSeconds ? 'long poll' : 'receive',
      'POST',
      '/clients/soak-leases/receive',
      { max: 100, waitSeconds, leaseSeconds: 30 },
    );
    const leaseTokens = (received?.messages ?? []).map(({ leaseToken }) => leaseToken);
    if (leaseTokens.length === 0) return;
    await this.#call(index, 'settle', 'POST', '/clients/soak-leases/acknowledge', { leaseTokens });
  }

  async #readTopics(): Promise<void> {
    const { topicId } = this.world;
    await this.#call(0, 'topic', 'GET', `/topics/${topicId}`);
    await this.#call(0, 'topics', 'GET', '/topics?owner=demo.apps.demo.iam.ewc&limit=10&page=1');
  }

  async #sendFile(): Promise<void> {
    const { participants, topicId } = this.world;
    const bytes = Buffer.alloc(100_000, randomUUID());
    const begun = await this.#call<{ fileId: string; upload: { url: string } }>(0, 'file', 'POST', '/files', {
      ...{ fqcns: [participants[1]?.did], topicId, topicVersion: '1.0.0', fileName: 'soak.bin' },
      ...{ sizeBytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') },
      ...{ signature: 'soak', clientGatewayMessageId: randomUUID(), payloadEncryption: true },
    });
    if (!begun) return;
    await uploadBlocks(begun.upload.url, bytes);
    await this.#call(0, 'file complete', 'POST', `/files/${begun.fileId}/complete`);
  }

  async #call<Body>(
    index: number,
    what: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Body | undefined> {
    const participant = this.world.participants[index];
    if (!participant) throw new Error(`there is no participant ${index}`);
    const answer = await participant.request<Body>(method, path, body);
    this.#count(what, answer.status);
    return answer.status < 300 ? answer.body : undefined;
  }

  #count(what: string, status: number): void {
    if (status < 300) this.#done.set(what, (this.#done.get(what) ?? 0) + 1);
    else this.#fail(`${what}: ${status}`);
  }

  #fail(what: string): void {
    this.#failures.set(what, (this.#failures.get(what) ?? 0) + 1);
  }
}
