// The requests of an overload run, and what came of each: many at once, each with a gateway's patience.

import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import type { ParticipantClient } from '../../client';
import type { LoadWorld } from '../load/world';

/** What a gateway waits for an answer. Unit: ms. */
const patienceMs = 60_000;
/** Recipients of a message: enough that the broker has something to do. */
const recipientsEach = 60;
const clientId = 'overload';

export interface Outcome {
  readonly what: 'publish' | 'search' | 'acknowledge';
  readonly startedAt: number;
  readonly endedAt: number;
  /** 0: no answer within the patience. */
  readonly status: number;
  readonly hasRetryAfter: boolean;
}

interface Answer {
  readonly status: number;
  readonly hasRetryAfter: boolean;
  readonly text: string;
}

interface Published {
  readonly status: readonly {
    readonly name: string;
    readonly details: readonly { readonly did: string; readonly messageId?: string }[];
  }[];
}

export class Requests {
  readonly outcomes: Outcome[] = [];
  /** Ids of all that was answered SENT, by recipient. */
  readonly accepted = new Map<string, Set<string>>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: Infinity });
  readonly #found = new Map<string, readonly string[]>();
  #count = 0;

  constructor(private readonly world: LoadWorld) {}

  /** The next request of the mix: of five, three publish, one searches and one acknowledges what was found. */
  async next(): Promise<void> {
    const number = this.#count++;
    const { participants } = this.world;
    const who = participants[number % participants.length];
    if (!who) throw new Error('there are no participants');
    const kind = number % 5;
    if (kind < 3) await this.#publish(who, number);
    else if (kind === 3) await this.#search(who);
    else await this.#acknowledge(participants[(number - 1) % participants.length] ?? who);
  }

  /**
   * Opens connections ahead, as the front of a platform has them: Node accepts one in each turn of its event loop, so
   * that at a busy process those that come later wait before they are even seen.
   */
  async connect(count: number): Promise<void> {
    const asked = Array.from({ length: count }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      httpRequest(`${this.world.url}/config`, { agent: this.#agent }, (response) => {
        response.resume().on('end', () => resolve(undefined));
      })
        .on('error', reject)
        .end();
      return promise;
    });
    await Promise.all(asked);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Every message of a mailbox, by a reader of its own. */
  async readAll(who: ParticipantClient): Promise<ReadonlySet<string>> {
    const seen = new Set<string>();
    for (;;) {
      const answer = await this.#send(who, '/messages/search', { clientId: 'audit', amount: 1_000 });
      if (answer.status !== 200) throw new Error(`reading back was answered ${answer.status}`);
      const ids = idsOf(answer.text);
      if (ids.length === 0) return seen;
      for (const id of ids) seen.add(id);
      await this.#send(who, '/messages/ack', { clientId: 'audit', messageIds: ids });
    }
  }

  async #publish(who: ParticipantClient, number: number): Promise<void> {
    const { participants, topicId } = this.world;
    const recipients = Array.from(
      { length: recipientsEach },
      (_none, index) => participants[(number + index) % participants.length]?.did ?? '',
    );
    const answer = await this.#timed('publish', who, '/messages', {
      ...{ fqcns: recipients, topicId, topicVersion: '1.0.0', payload: 'x'.repeat(1_000) },
      ...{ payloadEncryption: true, signature: 'overload', clientGatewayMessageId: randomUUID() },
    });
    if (answer.status !== 200) return;
    const { status } = JSON.parse(answer.text) as Published;
    for (const { details } of status.filter(({ name }) => name === 'SENT')) {
      for (const { did, messageId = '' } of details) {
        const known = this.accepted.get(did) ?? new Set();
        this.accepted.set(did, known.add(messageId));
      }
    }
  }

  async #search(who: ParticipantClient): Promise<void> {
    const answer = await this.#timed('search', who, '/messages/search', { clientId, amount: 30 });
    if (answer.status === 200) this.#found.set(who.did, idsOf(answer.text));
  }

  async #acknowledge(who: ParticipantClient): Promise<void> {
    const messageIds = this.#found.get(who.did) ?? [];
    await this.#timed('acknowledge', who, '/messages/ack', { clientId, messageIds });
  }

  async #timed(what: Outcome['what'], who: ParticipantClient, path: string, body: object): Promise<Answer> {
    const startedAt = performance.now();
    const answer = await this.#send(who, path, body);
    const { status, hasRetryAfter } = answer;
    this.outcomes.push({ what, startedAt, endedAt: performance.now(), status, hasRetryAfter });
    return answer;
  }

  #send(who: ParticipantClient, path: string, body: object): Promise<Answer> {
    const bytes = Buffer.from(JSON.stringify(body));
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const nothing: Answer = { status: 0, hasRetryAfter: false, text: '' };
    const outgoing = httpRequest(`${this.world.url}${path}`, {
      method: 'POST',
      agent: this.#agent,
      timeout: patienceMs,
      headers: {
        'content-type': 'application/json',
        'content-length': String(bytes.byteLength),
        authorization: `Bearer ${who.accessToken}`,
      },
    });
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(nothing));
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve(nothing));
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          hasRetryAfter: response.headers['retry-after'] !== undefined,
          text: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    outgoing.end(bytes);
    return promise;
  }
}

function idsOf(text: string): readonly string[] {
  return (JSON.parse(text) as readonly { readonly messageId: string }[]).map(({ messageId }) => messageId);
}
