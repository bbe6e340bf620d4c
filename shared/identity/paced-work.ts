// Work that keeps the one thread busy, done one after the other and for a share of the time only, so that a flood of
// it slows down itself and not everybody else.

/** Thrown when too many wait already. */
export class TooMuchWaiting extends Error {
  constructor() {
    super('Too much work waits already.');
    this.name = 'TooMuchWaiting';
  }
}

export interface PacedWorkOptions {
  /** Pause after each piece, as a multiple of what it took. */
  readonly pauses: number;
  readonly maxWaiting: number;
}

export class PacedWork {
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;

  constructor(private readonly options: PacedWorkOptions) {}

  /** @throws TooMuchWaiting; what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) {
      if (this.#waiting.length >= this.options.maxWaiting) throw new TooMuchWaiting();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    // Whoever has waited was handed the turn.
    this.#isBusy = true;
    const beganAt = performance.now();
    try {
      return await work();
    } finally {
      setTimeout(
        () => {
          const next = this.#waiting.shift();
          if (next) next();
          else this.#isBusy = false;
        },
        this.options.pauses * (performance.now() - beganAt),
      );
    }
  }
}
