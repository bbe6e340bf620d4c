// An HTTP/1.1 connection that costs who measures as little as can be: a raw socket, and requests made beforehand.

import { connect, type Socket } from 'node:net';

/** With one request on its way at a time; every answer has a Content-Length. */
export class HttpConnection {
  #chunks: Buffer[] = [];
  #received = 0;
  /** Bytes of the whole answer, once its head has arrived. */
  #total = Infinity;
  #headBytes = 0;
  #settle: { resolve: (body: Buffer) => void; reject: (error: Error) => void } | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The connection was closed.')));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new HttpConnection(socket)));
      socket.once('error', reject);
    });
  }

  /** The body of the answer, which has status 200. */
  send(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.byteLength;
    if (this.#total === Infinity) this.#readHead();
    if (this.#received < this.#total) return;
    const answer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#received);
    const headBytes = this.#headBytes;
    this.#chunks = [];
    this.#received = 0;
    this.#total = Infinity;
    if (answer.toString('latin1', 9, 12) !== '200')
      this.#fail(new Error(`An answer was ${answer.toString()}`));
    else this.#settle?.resolve(answer.subarray(headBytes));
  }

  #readHead(): void {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks, this.#received);
    const end = all?.indexOf('\r\n\r\n') ?? -1;
    if (!all || end < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(all.toString('latin1', 0, end))?.[1];
    if (length === undefined) this.#fail(new Error('An answer has no Content-Length.'));
    this.#headBytes = end + 4;
    this.#total = this.#headBytes + Number(length);
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
  }
}
