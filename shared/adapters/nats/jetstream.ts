// Calls to JetStream's API and publishes, with the one retry policy of this adapter: a lost connection is
// waited for up to 5 s, an election up to 12 s (design §3), everything else fails at once.

import {
  headers as createHeaders,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  type StreamConfig,
} from 'nats';
import type { Log } from '../../log';
import { NatsConnections, type NatsOptions, reconnectPatienceMs } from './connection';
import { apiCode, retryOf, streamNotFound, toBrokerError } from './nats-errors';
import { ReplyInbox } from './reply-inbox';

/** All tries of one call end within this. Unit: ms. A leader's death stops a stream for up to 10 s. */
export const retryBudgetMs = 12_000;
/** One try. Unit: ms. */
const tryMs = 1_500;
const retryDelayMs = 150;

export interface PublishAck {
  readonly seq: number;
  /** The stream had this Nats-Msg-Id already; `seq` is the first one's. */
  readonly duplicate: boolean;
  /** Tries made, 1 when the first was answered. */
  readonly tries: number;
}

/** A message as STREAM.MSG.GET gives it: asked of the stream's leader, hence never stale. */
export interface LeaderMessage {
  readonly seq: number;
  readonly subject: string;
  readonly timeMs: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly data: Buffer;
}

export interface StreamState {
  readonly config: StreamConfig;
  /** When the server created it, as it spells it: no other stream of this name has the same. */
  readonly createdAt: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messages: number;
  /** What they take on the disk of one replica. */
  readonly bytes: number;
  /** The server's clock when it answered. Unit: ms. */
  readonly serverTimeMs: number;
  /** Subjects with their message counts, when a filter was given. */
  readonly subjects: Readonly<Record<string, number>>;
}

interface ApiReply {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string };
}

const apiPrefix = '$JS.API';
const noMessageFound = 10_037;
const nameInUse = 10_058;

export class JetStream {
  readonly connections: NatsConnections;
  readonly #inbox = new ReplyInbox();

  constructor(options: NatsOptions & { readonly log: Log }) {
    this.connections = new NatsConnections(options);
  }

  /**
   * Publishes with PubAck, repeating until answered: give a Nats-Msg-Id or an expected revision, or a repetition
   * after a lost answer stores it twice.
   * @throws BrokerError, or the NatsError of a lost compare-and-set for the caller to handle
   */
  async publish(
    subject: string,
    data: Uint8Array,
    headerFields: Readonly<Record<string, string>>,
    budgetMs = retryBudgetMs,
  ): Promise<PublishAck> {
    const headers = headersOf(headerFields);
    let tries = 0;
    try {
      const ack = await this.#retrying(budgetMs, async (connection, timeoutMs) => {
        tries++;
        const reply = await this.#inbox.request(connection, subject, data, { timeoutMs, headers });
        return parseReply(reply.string()) as PublishReply;
      });
      return { seq: ack.seq, duplicate: ack.duplicate ?? false, tries };
    } catch (error) {
      throw retryOf(error) === 'conflict' ? error : toBrokerError(error);
    }
  }

  /**
   * One publish without repetition, for writes whose repetition would need thought: a compare-and-set.
   * @throws NatsError as it came; see retryOf()
   */
  async publishOnce(
    subject: string,
    data: Uint8Array,
    headerFields: Readonly<Record<string, string>>,
  ): Promise<PublishAck> {
    const connection = await this.connections.ready('publish');
    const reply = await this.#inbox.request(connection, subject, data, {
      timeoutMs: tryMs,
      headers: headersOf(headerFields),
    });
    const ack = parseReply(reply.string()) as PublishReply;
    return { seq: ack.seq, duplicate: ack.duplicate ?? false, tries: 1 };
  }

  /** The last message under a subject (wildcards allowed) as the leader has it. */
  lastBySubject(stream: string, subject: string): Promise<LeaderMessage | undefined> {
    return this.#getMessage(stream, { last_by_subj: subject });
  }

  /** The message with this sequence as the leader has it. */
  messageAt(stream: string, seq: number): Promise<LeaderMessage | undefined> {
    return this.#getMessage(stream, { seq });
  }

  /** State of a stream, or undefined when there is none. */
  async streamState(stream: string, subjectsFilter?: string): Promise<StreamState | undefined> {
    try {
      const info = (await this.api(
        `STREAM.INFO.${stream}`,
        subjectsFilter === undefined ? {} : { subjects_filter: subjectsFilter },
      )) as StreamInfoReply;
      return {
        config: info.config,
        createdAt: info.created,
        firstSeq: info.state.first_seq,
        lastSeq: info.state.last_seq,
        messages: info.state.messages,
        bytes: info.state.bytes,
        serverTimeMs: Date.parse(info.ts),
        subjects: info.state.subjects ?? {},
      };
    } catch (error) {
      if (apiCode(error) === streamNotFound) return undefined;
      throw toBrokerError(error);
    }
  }

  /** Creates a stream; false when one of that name, with another configuration, is there already. */
  async createStream(config: Partial<StreamConfig> & { readonly name: string }): Promise<boolean> {
    try {
      await this.api(`STREAM.CREATE.${config.name}`, config);
      return true;
    } catch (error) {
      if (apiCode(error) === nameInUse) return false;
      throw toBrokerError(error);
    }
  }

  async updateStream(config: StreamConfig): Promise<void> {
    try {
      await this.api(`STREAM.UPDATE.${config.name}`, config);
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  /** Removes what matches a subject filter; with `beforeSeq` only what is older. Returns the number removed. */
  async purge(stream: string, filter: string, beforeSeq?: number): Promise<number> {
    try {
      const reply = (await this.api(`STREAM.PURGE.${stream}`, {
        filter,
        ...(beforeSeq === undefined ? {} : { seq: beforeSeq }),
      })) as { purged: number };
      return reply.purged;
    } catch (error) {
      throw toBrokerError(error);
    }
  }

  close(): Promise<void> {
    return this.connections.close();
  }

  async #getMessage(stream: string, query: object): Promise<LeaderMessage | undefined> {
    try {
      const { message } = (await this.api(`STREAM.MSG.GET.${stream}`, query)) as {
        message: MessageReply;
      };
      return {
        seq: message.seq,
        subject: message.subject,
        timeMs: Date.parse(message.time),
        headers: parseHeaders(message.hdrs),
        data: Buffer.from(message.data ?? '', 'base64'),
      };
    } catch (error) {
      if (apiCode(error) === noMessageFound) return undefined;
      throw toBrokerError(error);
    }
  }

  /**
   * One call of JetStream's API (`$JS.API.<path>`), repeated until answered: for calls that may be repeated.
   * @throws NatsError with the server's code, BrokerError `message-store-unavailable`
   */
  api(path: string, body: object): Promise<unknown> {
    return this.#retrying(retryBudgetMs, async (connection, timeoutMs) => {
      const reply = await this.#inbox.request(connection, `${apiPrefix}.${path}`, JSON.stringify(body), {
        timeoutMs,
      });
      return parseReply(reply.string());
    });
  }

  /** Repeats what may help within the budget. A lost connection ends it through `ready`, after its own patience. */
  async #retrying<T>(
    budgetMs: number,
    attempt: (connection: NatsConnection, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const endsAt = performance.now() + budgetMs;
    const leftMs = (): number => Math.max(50, endsAt - performance.now());
    for (;;) {
      try {
        // No try begins after the budget, also not one that had to wait for the connection.
        const connection = await this.connections.ready('publish', Math.min(reconnectPatienceMs, leftMs()));
        return await attempt(connection, Math.min(tryMs, leftMs()));
      } catch (error) {
        const retry = retryOf(error);
        const pauseMs = retryDelayMs * (0.5 + Math.random());
        if (retry === 'conflict') throw error;
        if (apiCode(error) !== undefined && retry === 'never') throw error;
        if (retry === 'never' || performance.now() + pauseMs >= endsAt) throw toBrokerError(error);
        if (retry === 'later') await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}

interface PublishReply {
  readonly seq: number;
  readonly duplicate?: boolean;
}

interface StreamInfoReply {
  readonly config: StreamConfig;
  readonly created: string;
  readonly ts: string;
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly messages: number;
    readonly bytes: number;
    readonly subjects?: Record<string, number>;
  };
}

interface MessageReply {
  readonly seq: number;
  readonly subject: string;
  readonly time: string;
  readonly hdrs?: string;
  readonly data?: string;
}

function parseReply(text: string): unknown {
  const reply = JSON.parse(text) as ApiReply;
  if (reply.error) {
    const error = new NatsError(reply.error.description, String(reply.error.code));
    error.api_error = reply.error;
    throw error;
  }
  return reply;
}

function headersOf(fields: Readonly<Record<string, string>>): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of Object.entries(fields)) headers.set(name, value);
  return headers;
}

/** The header block of a stored message: `NATS/1.0`, then `Name: value` lines. */
function parseHeaders(block: string | undefined): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  if (!block) return result;
  for (const line of Buffer.from(block, 'base64').toString().split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) result.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return result;
}
