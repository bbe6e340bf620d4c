// Answers to requests over one wildcard inbox. The client's own request() makes an error object, three promises and
// a race for each request, a tenth of what a publish costs; its requestMany() stops at the first empty body and ends
// silently at its maxWait (design §4).

import { createInbox, ErrorCode, type Msg, type MsgHdrs, type NatsConnection, NatsError } from 'nats';

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly headers?: MsgHdrs;
}

/** The inbox of one connection, or of its successor. */
export class ReplyInbox {
  readonly #waiting = new Map<string, (message: Msg) => void>();
  #connection: NatsConnection | undefined;
  #prefix = '';
  #nextToken = 0;

  /**
   * Sends a request. Every message that answers it goes to `receive`, which must not throw, until the function that
   * is returned is called.
   * @throws NatsError when the client does not take the request
   */
  send(
    connection: NatsConnection,
    subject: string,
    data: Uint8Array | string,
    receive: (message: Msg) => void,
    headers?: MsgHdrs,
  ): () => void {
    if (this.#connection !== connection) this.#subscribe(connection);
    const token = String(this.#nextToken++);
    connection.publish(subject, data, { reply: this.#prefix + token, ...(headers ? { headers } : {}) });
    this.#waiting.set(token, receive);
    return () => this.#waiting.delete(token);
  }

  /**
   * Sends a request that has one answer.
   * @throws NatsError `503` when nobody listens, `TIMEOUT`, or as `send`
   */
  request(
    connection: NatsConnection,
    subject: string,
    data: Uint8Array | string,
    { timeoutMs, headers }: RequestOptions,
  ): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const receive = (message: Msg): void => {
        clearTimeout(timer);
        forget();
        // What the server sends when nobody listens; an API's own errors have a body.
        if (message.data.byteLength === 0 && message.headers?.code === 503)
          reject(NatsError.errorForCode(ErrorCode.NoResponders));
        else resolve(message);
      };
      const forget = this.send(connection, subject, data, receive, headers);
      const timer = setTimeout(() => {
        forget();
        reject(NatsError.errorForCode(ErrorCode.Timeout));
      }, timeoutMs);
    });
  }

  #subscribe(connection: NatsConnection): void {
    const inbox = createInbox();
    const prefix = `${inbox}.`;
    connection.subscribe(`${prefix}*`, {
      // A throw would kill the client's reader for good. Errors of the subscription have no message; who waits
      // meets its own deadline.
      callback: (error, message) => {
        if (!error) this.#waiting.get(message.subject.slice(prefix.length))?.(message);
      },
    });
    this.#connection = connection;
    this.#prefix = prefix;
  }
}
