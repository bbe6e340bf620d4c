// One request as the gateway puts it on the wire, and a record of what was exchanged. Members that are undefined are
// left out, null is sent as null, lists are repeated keys, spaces are `+`, and Content-Type comes with everything.

import { randomUUID } from 'node:crypto';
import type { Form } from '../multipart';
import { GatewayFailure, mustHold } from './gateway-failure';

type Scalar = string | number | boolean;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, Scalar | readonly Scalar[] | null | undefined>>;
  /** Sent as JSON; absent: an empty body. */
  readonly body?: unknown;
  /** Makes the form anew for every attempt. Streamed, so in chunks and without Content-Length. */
  readonly form?: () => Form;
  /** Done by the scheduler, for nobody's request: `X-Request-Id: null`. */
  readonly isBackground?: boolean;
}

export interface Exchange {
  readonly method: string;
  /** With query, without origin. */
  readonly path: string;
  readonly authorization: string;
  /** 0: no answer came. */
  readonly status: number;
}

export class Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;

  constructor(status: number, headers: Headers, bytes: Buffer) {
    this.status = status;
    this.headers = headers;
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** @throws GatewayFailure `misread` when the body is no JSON */
  json(): unknown {
    const type = this.headers.get('content-type') ?? '';
    mustHold(type.startsWith('application/json'), `an answer of the type "${type}"`);
    try {
      return JSON.parse(this.text);
    } catch (cause) {
      throw new GatewayFailure('misread', 'an answer that is no JSON', { cause });
    }
  }
}

export class Wire {
  /** Everything that was sent, oldest first. */
  readonly exchanges: Exchange[] = [];
  readonly #baseUrls: readonly string[];
  #sent = 0;

  /** @param baseUrls of the broker's instances, without a trailing slash; used in turn, as a load balancer does */
  constructor(baseUrls: readonly string[]) {
    this.#baseUrls = baseUrls;
  }

  /** @param token what stands after `Bearer `, also when there is none: `null` */
  async send(call: Call, token: string | null): Promise<Answer> {
    const path = `${call.path}${queryOf(call.query)}`;
    const authorization = `Bearer ${token}`;
    const record = (status: number) =>
      this.exchanges.push({ method: call.method, path, authorization, status });
    const form = call.form?.();
    const body = form?.body ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const baseUrl = this.#baseUrls[this.#sent++ % this.#baseUrls.length] ?? '';
    let response: Response;
    try {
      response = await fetch(`${baseUrl}${path}`, {
        method: call.method,
        headers: {
          accept: 'application/json, text/plain, */*',
          authorization,
          'content-type': form?.contentType ?? 'application/json',
          'x-request-id': call.isBackground ? 'null' : randomUUID(),
          'x-ddhub-client-version': '4.1.0',
        },
        // A redirect leads nowhere: the token is not for another host.
        redirect: 'error',
        ...(body === undefined ? {} : { body }),
        ...(form ? { duplex: 'half' as const } : {}),
      });
    } catch (error) {
      record(0);
      throw error;
    }
    record(response.status);
    return new Answer(response.status, response.headers, Buffer.from(await response.arrayBuffer()));
  }
}

function queryOf(query: Call['query']): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined) continue;
    for (const one of [value].flat()) search.append(name, String(one));
  }
  return search.size ? `?${search.toString()}` : '';
}
