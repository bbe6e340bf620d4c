// Expiry queues on durable JetStream consumers: one for each shard and retention class, headers only, explicit
// acknowledgement (design §6). What is settled is trimmed by one purge up to the consumer's ack floor.

import { createInbox, type Msg, type NatsConnection } from 'nats';
import type { DueMessage, ExpiryQueue, QueueView } from '../../retention/expiry';
import { messageLife } from '../../retention/message-life';
import type { DirectGet } from './direct-get';
import type { JetStream } from './jetstream';
import { keyHeader, lifeHeader, recipientHeader } from './message-headers';
import { classFilter, expiryConsumer, mailStream, mailboxOfSubject, parseMessageSubject } from './names';
import { apiCode } from './nats-errors';
import type { StoreLayout } from './store-layout';

/** Handed out and not settled for this long: handed out again. Longer than a batch takes. Unit: ms. */
const defaultAckWaitMs = 120_000;
/** Handed out at once over all instances; a saturated consumer answers a pull with nothing at all. */
const maxAckPending = 20_000;
/** A pull ends when nothing has come for this long. Unit: ms. */
const pullSilenceMs = 1_500;
const consumerNotFound = 10_014;

interface ConsumerInfo {
  readonly ack_floor: { readonly stream_seq: number };
}

export interface ExpiryQueueOptions {
  readonly jetStream: JetStream;
  readonly directGet: DirectGet;
  readonly replicas: number;
  readonly shard: number;
  readonly layout: Pick<StoreLayout, 'generation' | 'generationNow'>;
  readonly retentionClass: string;
  /** The class is in use; an unused one is retired when nothing of it is left. */
  readonly configured: boolean;
  /** How long a message that was handed out stays with whom it was handed to. Unit: ms; default two minutes. */
  readonly ackWaitMs?: number;
}

export class JetStreamExpiryQueue implements ExpiryQueue {
  readonly shard: number;
  readonly retentionClass: string;
  readonly configured: boolean;
  readonly #stream: string;
  readonly #consumer: string;
  readonly #filter: string;

  constructor(private readonly options: ExpiryQueueOptions) {
    this.shard = options.shard;
    this.retentionClass = options.retentionClass;
    this.configured = options.configured;
    this.#stream = mailStream(options.shard);
    this.#consumer = expiryConsumer(options.retentionClass);
    this.#filter = classFilter(options.shard, options.retentionClass);
  }

  async look(): Promise<QueueView> {
    // A stream that somebody has deleted is made again by it.
    await this.options.layout.generationNow(this.shard);
    const { ack_floor: floor } = await this.#ensure();
    const [oldest, next] = await Promise.all([this.#firstAfter(0), this.#firstAfter(floor.stream_seq)]);
    return {
      firstDueAtMs: next && messageLife(next.timeMs, this.retentionClass, undefined).dueAtMs,
      trimmable: oldest !== undefined && oldest.seq <= floor.stream_seq,
    };
  }

  async pull(max: number): Promise<readonly DueMessage[]> {
    const connection = await this.options.jetStream.connections.ready('publish');
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${this.#consumer}`;
    const generation = await this.options.layout.generation(this.shard);
    return (await pull(connection, subject, max)).map((message) =>
      this.#toDue(connection, generation, message),
    );
  }

  async flush(): Promise<void> {
    const connection = await this.options.jetStream.connections.ready('publish');
    await connection.flush();
  }

  async trim(): Promise<number> {
    const { ack_floor: floor } = await this.#ensure();
    // Exclusive: what has this sequence stays.
    return this.options.jetStream.purge(this.#stream, this.#filter, floor.stream_seq + 1);
  }

  async retire(): Promise<void> {
    await this.options.jetStream.api(`CONSUMER.DELETE.${this.#stream}.${this.#consumer}`, {});
  }

  async #firstAfter(seq: number): Promise<{ readonly seq: number; readonly timeMs: number } | undefined> {
    const { messages } = await this.options.directGet.read(this.#stream, {
      seq: seq + 1,
      next_by_subj: this.#filter,
      batch: 1,
      max_bytes: 1,
    });
    return messages[0];
  }

  /** The consumer, made when it is missing: also after somebody has deleted it by hand. */
  async #ensure(): Promise<ConsumerInfo> {
    const { jetStream, replicas } = this.options;
    try {
      return (await jetStream.api(`CONSUMER.INFO.${this.#stream}.${this.#consumer}`, {})) as ConsumerInfo;
    } catch (error) {
      if (apiCode(error) !== consumerNotFound) throw error;
    }
    return (await jetStream.api(`CONSUMER.CREATE.${this.#stream}.${this.#consumer}.${this.#filter}`, {
      stream_name: this.#stream,
      config: {
        durable_name: this.#consumer,
        name: this.#consumer,
        deliver_policy: 'all',
        ack_policy: 'explicit',
        ack_wait: (this.options.ackWaitMs ?? defaultAckWaitMs) * 1e6,
        max_ack_pending: maxAckPending,
        max_deliver: -1,
        filter_subject: this.#filter,
        headers_only: true,
        num_replicas: replicas,
        replay_policy: 'instant',
      },
      action: '',
    })) as ConsumerInfo;
  }

  #toDue(connection: NatsConnection, generation: number, message: Msg): DueMessage {
    const reply = message.reply ?? '';
    const { seq, timeMs } = parseAckSubject(reply);
    const { topicId, sender, retentionClass } = parseMessageSubject(message.subject);
    const life = headerOf(message, lifeHeader);
    const recipient = headerOf(message, recipientHeader);
    return {
      seq,
      mailbox: mailboxOfSubject(message.subject),
      generation,
      topic: topicId,
      sender,
      timeMs,
      ...messageLife(timeMs, retentionClass, life ? Number(life) : undefined),
      recipient: recipient ? decoded(recipient) : undefined,
      keyNumber: Number(headerOf(message, keyHeader)),
      ...answersTo(connection, reply),
    };
  }
}

function headerOf(message: Msg, name: string): string {
  return message.headers?.get(name) ?? '';
}

/** A text that somebody else has put there must not keep the messages behind it from expiring. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Made where nothing else is in scope: a function keeps all that its neighbours use, here the client's message. */
function answersTo(connection: NatsConnection, reply: string): Pick<DueMessage, 'settle' | 'giveBack'> {
  return {
    settle: () => {
      connection.publish(reply, acknowledgement);
    },
    giveBack: () => {
      connection.publish(reply, negativeAcknowledgement);
    },
  };
}

const acknowledgement = Buffer.from('+ACK');
const negativeAcknowledgement = Buffer.from('-NAK');

/**
 * The stream sequence and time in a delivered message's reply subject (NATS ADR-15): `$JS.ACK.<stream>.<consumer>.
 * <delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`, with domain and account before the stream since v2.
 */
function parseAckSubject(reply: string): { readonly seq: number; readonly timeMs: number } {
  const tokens = reply.split('.');
  const stream = tokens.length >= 11 ? 4 : 2;
  return { seq: Number(tokens[stream + 3]), timeMs: Math.floor(Number(tokens[stream + 5]) / 1e6) };
}

/** Takes what a consumer has ready, up to `max`; a status message or silence ends it. */
function pull(connection: NatsConnection, subject: string, max: number): Promise<readonly Msg[]> {
  return new Promise((resolve) => {
    const inbox = createInbox();
    const pulled: Msg[] = [];
    const end = (): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      resolve(pulled);
    };
    let timer = setTimeout(end, pullSilenceMs);
    const subscription = connection.subscribe(inbox, {
      // Never throws: a throw here would kill the client's reader for good.
      callback: (error: Error | null, message: Msg) => {
        const status = error ? 0 : (message.headers?.code ?? 0);
        if (error || status >= 400) {
          end();
          return;
        }
        pulled.push(message);
        if (pulled.length >= max) end();
        else timer = timer.refresh();
      },
    });
    connection.publish(subject, JSON.stringify({ batch: max, no_wait: true }), { reply: inbox });
  });
}
