// Who has gone: whether the client of a request still waits for its answer. The library hands a function no signal, so
// this listens to what Node tells of every request that its HTTP server begins (`http.server.request.start`, Node
// documentation, diagnostics_channel), which is where the host's streaming proxy arrives.

import type { HttpRequest } from '@azure/functions';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The host names each invocation in this header of the request that it forwards. */
const invocationHeader = 'x-ms-invocation-id';

export class Departures {
  readonly #responses = new Map<string, ServerResponse>();
  readonly #begun = (event: unknown): void => {
    const { request, response } = event as { request: IncomingMessage; response: ServerResponse };
    const id = request.headers[invocationHeader];
    if (typeof id !== 'string') return;
    this.#responses.set(id, response);
    response.once('close', () => this.#responses.delete(id));
  };

  constructor() {
    subscribe('http.server.request.start', this.#begun);
  }

  /** Aborted when the client goes away before it has its answer; never, where that cannot be known. */
  signalOf(request: Pick<HttpRequest, 'headers'>): AbortSignal {
    const controller = new AbortController();
    const response = this.#responses.get(request.headers.get(invocationHeader) ?? '');
    response?.once('close', () => {
      if (!response.writableFinished) controller.abort();
    });
    return controller.signal;
  }

  close(): void {
    unsubscribe('http.server.request.start', this.#begun);
  }
}
