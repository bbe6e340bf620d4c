// Batch direct get: reads stored messages without changing anything, from any replica. A batch counts as read only
// when the server ended it with 204 or 404 (design §4).

import type { Msg } from 'nats';
import { BrokerError } from '../../broker-error';
import type { NatsConnections } from './connection';
import { ReplyInbox } from './reply-inbox';

/** With this sequence or after, or stored at this instant or after (RFC 3339). */
export type DirectGetStart = { readonly seq: number } | { readonly start_time: string };

export type DirectGetRequest = (
  | (DirectGetStart & { readonly next_by_subj: string })
  /** The last message of each subject that matches, where that is not before `seq`. */
  | { readonly multi_last: readonly string[]; readonly seq: number }
) & {
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
  /** How many more it had, unless there were none at all. */
  readonly left: number;
  /** With `multi_last`: the replica's last sequence, through which it has looked; else 0. */
  readonly upTo: number;
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
  readonly #inbox = new ReplyInbox();
  #inFlightBytes = 0;
  /** Reads that wait for room, in the order in which they came. */
  readonly #queue: { readonly bytes: number; readonly enter: () => void }[] = [];

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
    return new Promise((resolve) => {
      const messages: DirectMessage[] = [];
      const settle = (outcome: DirectBatch | BrokerError): void => {
        clearTimeout(timer);
        forget();
        resolve(outcome);
      };
      const timer = setTimeout(() => settle(unavailable('A read was not answered in time.')), batchTimeoutMs);
      let forget = (): void => undefined;
      try {
        forget = this.#inbox.send(
          connection,
          `$JS.API.DIRECT.GET.${stream}`,
          JSON.stringify(request),
          (message) => receive({ messages, settle }, message),
        );
      } catch {
        settle(unavailable('A read could not be sent.'));
      }
    });
  }

  /** In turn, or a read that asks for much would never find room among those that ask for little. */
  async #acquire(bytes: number): Promise<void> {
    if (!this.#queue.length && this.#fits(bytes)) this.#inFlightBytes += bytes;
    else await new Promise<void>((enter) => this.#queue.push({ bytes, enter }));
  }

  #release(bytes: number): void {
    this.#inFlightBytes -= bytes;
    for (let next = this.#queue[0]; next && this.#fits(next.bytes); next = this.#queue[0]) {
      this.#queue.shift();
      this.#inFlightBytes += next.bytes;
      next.enter();
    }
  }

  /** One alone always has room. */
  #fits(bytes: number): boolean {
    return this.#inFlightBytes === 0 || this.#inFlightBytes + bytes <= inFlightCeilingBytes;
  }
}

function unavailable(detail: string): BrokerError {
  return new BrokerError('message-store-unavailable', detail, { retryAfterSeconds: 5 });
}

/** Takes one message of a batch, or its end: 204 after the last one, 404 for none at all, 413 for too many subjects. */
function receive(batch: Batch, message: Msg): void {
  const headers = message.headers;
  const code = headers?.code ?? 0;
  if (code === 204 || code === 404 || code === 413) {
    const left = code === 204 ? Number(headers?.get('Nats-Num-Pending') ?? 0) : 0;
    batch.settle({
      messages: batch.messages,
      more: code === 413 || left > 0,
      left,
      upTo: Number(headers?.get('Nats-UpTo-Sequence') ?? 0),
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
