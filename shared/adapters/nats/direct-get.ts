// Batch direct get: reads stored messages without changing anything, from any replica. An own multiplexer on
// one wildcard inbox, because the client's requestMany() stops at the first empty body and ends silently at its
// maxWait (design §4). A batch counts as read only when the server ended it with 204 or 404.

import { createInbox, type Msg, type NatsConnection, type Subscription } from 'nats';
import { BrokerError } from '../../broker-error';
import type { NatsConnections } from './connection';

/** With this sequence or after, or stored at this instant or after (RFC 3339). */
export type DirectGetStart = { readonly seq: number } | { readonly start_time: string };

export type DirectGetRequest = DirectGetStart & {
  readonly next_by_subj: string;
  readonly batch: number;
  readonly max_bytes: number;
};

export interface DirectMessage {
  readonly seq: number;
  readonly subject: string;
  readonly timeMs: number;
  /** A stored header, or an empty text. */
  readonly header: (name: string) => string;
  readonly data: Uint8Array;
}

export interface DirectBatch {
  readonly messages: readonly DirectMessage[];
  /** Whether this replica had more that match, after the last message of the batch. */
  readonly more: boolean;
}

/** Above 64 MiB on its way to one connection the server cuts it; half of that is the ceiling. Unit: bytes. */
const inFlightCeilingBytes = 32 * 1024 * 1024;
/** A batch is answered within this or has failed. Unit: ms. */
const batchTimeoutMs = 2_000;
/** All attempts together, so that a leader's death is waited out; and the pause between them. Unit: ms. */
const budgetMs = 12_000;
const pauseMs = 150;

interface Batch {
  readonly messages: DirectMessage[];
  readonly settle: (outcome: DirectBatch | BrokerError) => void;
}

export class DirectGet {
  readonly #batches = new Map<string, Batch>();
  #subscription: { readonly connection: NatsConnection; readonly subscription: Subscription } | undefined;
  #inbox = createInbox();
  #nextToken = 0;
  #inFlightBytes = 0;
  readonly #queue: (() => void)[] = [];

  constructor(private readonly connections: NatsConnections) {}

  /**
   * Messages of one subject filter in stream order, at least one when there is one, else as many as `batch` and
   * `max_bytes` allow. A replica may be behind: an empty batch is never a fact.
   * @throws BrokerError `message-store-unavailable`
   */
  async read(stream: string, request: DirectGetRequest): Promise<DirectBatch> {
    await this.#acquire(request.max_bytes);
    try {
      const endsAt = performance.now() + budgetMs;
      for (;;) {
        const outcome = await this.#once(stream, request);
        if (!(outcome instanceof BrokerError)) return outcome;
        if (performance.now() + pauseMs >= endsAt) throw outcome;
        await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
      }
    } finally {
      this.#release(request.max_bytes);
    }
  }

  async #once(stream: string, request: DirectGetRequest): Promise<DirectBatch | BrokerError> {
    const connection = await this.connections.ready('read');
    const inbox = this.#subscribed(connection);
    const token = String(this.#nextToken++);
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(unavailable('A read was not answered in time.')), batchTimeoutMs);
      const settle = (outcome: DirectBatch | BrokerError): void => {
        clearTimeout(timer);
        this.#batches.delete(token);
        resolve(outcome);
      };
      this.#batches.set(token, { messages: [], settle });
      try {
        connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(request), {
          reply: `${inbox}.${token}`,
        });
      } catch {
        settle(unavailable('A read could not be sent.'));
      }
    });
  }

  #subscribed(connection: NatsConnection): string {
    if (this.#subscription?.connection !== connection) {
      this.#inbox = createInbox();
      const prefixLength = this.#inbox.length + 1;
      const subscription = connection.subscribe(`${this.#inbox}.*`, {
        // Never throws: a throw here would kill the client's reader for good.
        callback: (error, message) => {
          const batch = this.#batches.get(message.subject.slice(prefixLength));
          if (!batch) return;
          if (error) batch.settle(unavailable('A read failed.'));
          else receive(batch, message);
        },
      });
      this.#subscription = { connection, subscription };
    }
    return this.#inbox;
  }

  async #acquire(bytes: number): Promise<void> {
    while (this.#inFlightBytes > 0 && this.#inFlightBytes + bytes > inFlightCeilingBytes) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#inFlightBytes += bytes;
  }

  #release(bytes: number): void {
    this.#inFlightBytes -= bytes;
    for (const wake of this.#queue.splice(0)) wake();
  }
}

function unavailable(detail: string): BrokerError {
  return new BrokerError('message-store-unavailable', detail, { retryAfterSeconds: 5 });
}

/** Takes one message of a batch, or its end: 204 after the last one, 404 for none at all. */
function receive(batch: Batch, message: Msg): void {
  const headers = message.headers;
  const code = headers?.code ?? 0;
  if (code === 204 || code === 404) {
    batch.settle({
      messages: batch.messages,
      more: code === 204 && Number(headers?.get('Nats-Num-Pending') ?? 0) > 0,
    });
    return;
  }
  const last = batch.messages.at(-1)?.seq ?? 0;
  // 503: nobody answers direct gets of this stream; 408: our request was malformed; a gap: one was lost on its way.
  if (!headers || code !== 0 || Number(headers.get('Nats-Last-Sequence')) !== last) {
    batch.settle(unavailable(`A read ended with ${code}.`));
    return;
  }
  batch.messages.push({
    seq: Number(headers.get('Nats-Sequence')),
    subject: headers.get('Nats-Subject'),
    timeMs: Date.parse(headers.get('Nats-Time-Stamp')),
    header: (name) => headers.get(name),
    data: message.data,
  });
}
