// Sends a request byte for byte as it was made, also one that ends early, on kept connections.

import { Agent, type IncomingMessage, request } from 'node:http';
import type { FuzzedRequest } from './fuzzed-request';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly milliseconds: number;
}

/** What is waited for at most: longer than any deadline of the broker, and than a receive may ask it to wait. */
const answerMilliseconds = 90_000;

export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(private readonly baseUrl: string) {}

  /** The answer; undefined when the connection ended, or 90 s passed, without one. */
  send(sent: FuzzedRequest, authorization: string | undefined): Promise<Answer | undefined> {
    const { hostname, port } = new URL(this.baseUrl);
    const startedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const outgoing = request({
      ...{ hostname, port, agent: this.#agent, method: sent.method, path: sent.target },
      headers: {
        ...sent.headers,
        ...(authorization === undefined ? {} : { authorization }),
        ...('transfer-encoding' in sent.headers || !sent.body
          ? {}
          : { 'content-length': String(sent.body.byteLength) }),
      },
    });
    const give = (answer: Answer | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const timer = setTimeout(() => {
      outgoing.destroy();
      give(undefined);
    }, answerMilliseconds);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection may be closed by the other side at the moment of its reuse (RFC 9112 §9.3.1).
      if (outgoing.reusedSocket && error.code === 'ECONNRESET' && sent.cutAt === undefined) {
        void this.send(sent, authorization).then(give);
      } else give(undefined);
    });
    outgoing.on('response', (response) => {
      void readAnswer(response, startedAt).then(give);
    });
    if (sent.cutAt === undefined) outgoing.end(sent.body);
    else if (sent.cutAt === 0) outgoing.destroy();
    else {
      outgoing.write(sent.body?.subarray(0, sent.cutAt), () => {
        outgoing.destroy();
      });
    }
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function readAnswer(response: IncomingMessage, startedAt: number): Promise<Answer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    return undefined;
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  return {
    status: response.statusCode ?? 0,
    headers,
    text: Buffer.concat(chunks).toString('utf8'),
    milliseconds: performance.now() - startedAt,
  };
}
