// Large bodies of one caller are read and parsed one after the other: side by side, megabytes of one caller would take
// turn after turn of the event loop from all others. Nobody waits for anybody else's.

/** Bodies up to here are read at once. Unit: bytes. */
const smallBytes = 256 * 1024;

export class BodyTurns {
  /** The last body of each caller that reads or waits. */
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Waits for the caller's turn.
   * @param declaredBytes undefined: of unknown length
   * @returns to be called when the body has been read and parsed
   */
  async take(caller: string, declaredBytes: number | undefined): Promise<() => void> {
    if (declaredBytes !== undefined && declaredBytes <= smallBytes) return nothing;
    const before = this.#last.get(caller);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const mine = promise.then(nothing);
    this.#last.set(caller, mine);
    await before;
    return () => {
      if (this.#last.get(caller) === mine) this.#last.delete(caller);
      // Others first: what came meanwhile is served before the caller's next megabytes.
      setImmediate(resolve, undefined);
    };
  }
}

const nothing = (): void => undefined;
