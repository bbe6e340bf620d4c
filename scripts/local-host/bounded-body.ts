// The body of a request of undeclared length, cut off where the platform cuts it off. It carries the members of
// the request that the library reads, because the library takes it for the request.

import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';

export class BoundedBody extends Transform {
  readonly headers: IncomingMessage['headers'];
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly #maxBytes: number;
  readonly #onExceeded: () => void;
  #bytes = 0;

  /** `onExceeded` runs once, before the reader sees the error. */
  constructor(request: IncomingMessage, maxBytes: number, onExceeded: () => void) {
    super();
    this.headers = request.headers;
    this.url = request.url;
    this.method = request.method;
    this.#maxBytes = maxBytes;
    this.#onExceeded = onExceeded;
    // A reader learns of an error from its read; without one it is nobody's concern.
    this.on('error', () => undefined);
    request.once('close', () => {
      if (!request.complete) this.destroy(new Error('The client ended the request early.'));
    });
    // Giving up on the body gives up on the request, as it does when the library holds the request itself.
    this.once('close', () => {
      if (!this.writableEnded && !this.errored) request.destroy();
    });
    request.pipe(this);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes <= this.#maxBytes) {
      done(null, chunk);
      return;
    }
    this.#onExceeded();
    done(new Error(`The body is larger than ${this.#maxBytes} bytes.`));
  }
}
