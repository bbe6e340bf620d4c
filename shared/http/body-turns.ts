// Large bodies of one caller are worked on one after the other, each from its first byte to the end of its request:
// side by side, megabytes of one caller would take turn after turn of the event loop from all others, and what is made
// of them would fill the memory. Nobody waits for anybody else's.

import { BrokerError } from '../broker-error';

/** Bodies up to here are read at once. Unit: bytes. */
const smallBytes = 256 * 1024;
const defaultMaxWaitMs = 20_000;

/** To be called when the request has ended, or only waits for others; more than once does nothing. */
export type EndTurn = () => void;

export class BodyTurns {
  /** Of each caller with a large body in work: those that wait, in order. */
  readonly #lines = new Map<string, Set<() => void>>();

  /** @param maxWaitMs how long a body waits for its turn at most */
  constructor(private readonly maxWaitMs = defaultMaxWaitMs) {}

  /**
   * Waits for the caller's turn.
   * @param declaredBytes undefined: of unknown length
   * @throws BrokerError `overloaded` when its turn does not come in time
   */
  async take(caller: string, declaredBytes: number | undefined): Promise<EndTurn> {
    if (declaredBytes !== undefined && declaredBytes <= smallBytes) return nothing;
    const line = this.#lines.get(caller);
    if (line) await this.#turnIn(line);
    else this.#lines.set(caller, new Set());
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      // Others first: what came meanwhile is served before the caller's next megabytes.
      setImmediate(() => {
        this.#beginNext(caller);
      });
    };
  }

  #turnIn(line: Set<() => void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        line.delete(begin);
        reject(this.#tooBusy());
      }, this.maxWaitMs);
      line.add(begin);
    });
  }

  #beginNext(caller: string): void {
    const line = this.#lines.get(caller);
    const next = line?.values().next().value;
    if (!line || !next) {
      this.#lines.delete(caller);
      return;
    }
    line.delete(next);
    next();
  }

  #tooBusy(): BrokerError {
    return new BrokerError(
      'overloaded',
      'Other large bodies of yours are not done with; send fewer at once.',
      {
        retryAfterSeconds: Math.ceil(this.maxWaitMs / 2_000),
      },
    );
  }
}

const nothing: EndTurn = () => undefined;
