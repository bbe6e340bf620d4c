// The load generator, a process of its own. Raw keep-alive sockets and requests made beforehand: it shares the
// machine with what it measures, so it costs as little as it can, and the same for floor and broker.

import { serve } from '../child';
import { HttpConnection } from '../http-connection';
import { acknowledgeRequest, type AcknowledgeTemplate } from '../http-text';
import { quantile } from '../statistics';
import type { Sample } from '../suite';

export interface Load {
  readonly port: number;
  /** Each sends its next request when the last one is answered. */
  readonly connections: number;
  /**
   * Taken in turn by whichever connection is free; none is on its way twice at once, where there are as many
   * requests as connections.
   */
  readonly requests: readonly string[];
  readonly until: { readonly seconds: number } | { /** Turns of each request. */ readonly timesEach: number };
  /** What the answer to each request has in it, besides the status 200. */
  readonly expect: string;
  /** Messages of a request; those of a search are counted. */
  readonly messagesEach?: number;
  /** For each request, a fetch: how its messages are acknowledged in the same turn. */
  readonly acknowledge?: readonly AcknowledgeTemplate[];
}

export function runLoadProcess(): void {
  serve(generate);
}

async function generate(load: Load): Promise<Sample> {
  const { requests, until, acknowledge } = load;
  const bytes = requests.map((request) => Buffer.from(request));
  const expected = Buffer.from(load.expect);
  const turns = new Turns(bytes.length, load.connections, 'timesEach' in until ? until.timesEach : Infinity);
  const took: number[] = [];
  let answered = 0;
  let messages = 0;

  const begun = performance.now();
  const deadline = 'seconds' in until ? begun + until.seconds * 1_000 : Infinity;
  const work = async (): Promise<void> => {
    const connection = await HttpConnection.open(load.port);
    for (;;) {
      const startedAt = performance.now();
      const index = startedAt < deadline ? turns.take() : undefined;
      if (index === undefined) break;
      const body = await connection.send(bytes[index] ?? expected);
      answered++;
      if (!body.includes(expected)) throw new Error(`An answer was ${body.toString().slice(0, 500)}`);
      const template = acknowledge?.[index];
      if (template) {
        const names = namesIn(body, template.field);
        messages += names.length;
        const acked = await connection.send(Buffer.from(acknowledgeRequest(template, names.join(','))));
        answered++;
        if (!acked.includes(template.expect)) throw new Error('A message was not acknowledged.');
      } else messages += load.messagesEach ?? 0;
      took.push(performance.now() - startedAt);
      turns.giveBack(index);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: load.connections }, work));
  const sorted = Float64Array.from(took).sort();
  return {
    seconds: (performance.now() - begun) / 1_000,
    requests: answered,
    messages,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
  };
}

/** Whose turn it is: first come, first served, each so many times. */
class Turns {
  readonly #queue: number[];
  readonly #left: number[];
  #next = 0;

  constructor(requests: number, connections: number, timesEach: number) {
    const indexes = Array.from({ length: requests }, (_none, index) => index);
    const copies = Array.from({ length: Math.ceil(connections / requests) }, () => indexes);
    this.#queue = copies.flat();
    this.#left = indexes.map(() => timesEach);
  }

  take(): number | undefined {
    for (;;) {
      const index = this.#queue[this.#next];
      if (index === undefined) return undefined;
      this.#next++;
      const left = this.#left[index] ?? 0;
      if (left === 0) continue;
      this.#left[index] = left - 1;
      return index;
    }
  }

  giveBack(index: number): void {
    this.#queue.push(index);
  }
}

/** The quoted names of an answer's messages. No payload of the bench has such a field in it. */
function namesIn(body: Buffer, field: string): readonly string[] {
  const before = Buffer.from(`"${field}":`);
  const names: string[] = [];
  for (let at = body.indexOf(before); at >= 0; at = body.indexOf(before, at)) {
    const start = at + before.length;
    at = body.indexOf('"', start + 1) + 1;
    names.push(body.toString('latin1', start, at));
  }
  return names;
}
