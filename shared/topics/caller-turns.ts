// Work of one caller is done one piece after the other, so that many calls of one do not stand in front of all others.
// Nobody waits for anybody else's.

import { BrokerError } from '../broker-error';

/** When one who was sent away should come again. */
const retryAfterSeconds = 5;

interface Line {
  /** Ends with the last one's turn. */
  readonly last: Promise<void>;
  /** Those in it, the one whose turn it is among them. */
  readonly length: number;
}

export class CallerTurns {
  readonly #lines = new Map<string, Line>();

  /** @param maxLength most who wait or work for one caller */
  constructor(private readonly maxLength: number) {}

  /**
   * Waits for the caller's turn.
   * @returns to be called when the work is done
   * @throws BrokerError `overloaded` when too many of this caller wait
   */
  async take(caller: string): Promise<() => void> {
    const { last, length } = this.#lines.get(caller) ?? { last: undefined, length: 0 };
    if (length >= this.maxLength) {
      throw new BrokerError('overloaded', `${length} such calls of this caller wait already.`, {
        retryAfterSeconds,
      });
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#lines.set(caller, { last: promise.then(() => undefined), length: length + 1 });
    await last;
    return () => {
      const line = this.#lines.get(caller);
      if (line && line.length > 1) this.#lines.set(caller, { ...line, length: line.length - 1 });
      else this.#lines.delete(caller);
      // Others first: what came meanwhile is served before the caller's next.
      setImmediate(resolve, undefined);
    };
  }
}
