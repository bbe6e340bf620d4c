// What is known of the clients behind requests: whether they still wait for their answer, and whether they have taken
// what was sent of it. The library hands a function no signal and ignores back-pressure on answers (design §11), so this
// listens to what Node tells of every request that its HTTP server begins (`http.server.request.start`, Node
// documentation, diagnostics_channel), which is where the host's streaming proxy arrives.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The host names each invocation in this header of the request that it forwards; no function is shown it. */
const invocationHeader = 'x-ms-invocation-id';
/** Departures kept for invocations that have not asked yet: their functions are on their way there. */
const keptDepartures = 1_000;

export class ClientConnections {
  readonly #responses = new Map<string, ServerResponse>();
  /** Oldest first. */
  readonly #gone = new Set<string>();
  readonly #begun = (event: unknown): void => {
    const { request, response } = event as { request: IncomingMessage; response: ServerResponse };
    const id = request.headers[invocationHeader];
    if (typeof id !== 'string') return;
    this.#responses.set(id, response);
    response.once('close', () => {
      this.#responses.delete(id);
      if (!response.writableFinished) this.#keep(id);
    });
  };

  constructor() {
    subscribe('http.server.request.start', this.#begun);
  }

  /** Aborted when the client goes away before it has its answer; never, where that cannot be known. */
  signalOf(invocationId: string): AbortSignal {
    if (this.#gone.delete(invocationId)) return AbortSignal.abort();
    const controller = new AbortController();
    const response = this.#responses.get(invocationId);
    response?.once('close', () => {
      if (!response.writableFinished) controller.abort();
    });
    return controller.signal;
  }

  /**
   * Resolves when the client has taken what was written to it, or has gone; at once, where that cannot be known.
   * @param maxMs whoever takes longer is given up: its connection is closed
   */
  taken(invocationId: string, maxMs: number): Promise<void> {
    const response = this.#responses.get(invocationId);
    if (!response?.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => response.destroy(), maxMs);
      const end = (): void => {
        clearTimeout(timer);
        response.off('drain', end).off('close', end);
        resolve();
      };
      response.once('drain', end).once('close', end);
    });
  }

  close(): void {
    unsubscribe('http.server.request.start', this.#begun);
  }

  #keep(id: string): void {
    this.#gone.add(id);
    for (const oldest of this.#gone) {
      if (this.#gone.size <= keptDepartures) break;
      this.#gone.delete(oldest);
    }
  }
}
