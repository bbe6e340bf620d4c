// One piece of work at a time, whose owners take turns: however many one of them has waiting, each of the others comes
// next after one of those.

export class FairTurns {
  #isTaken = false;
  /** In the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Does it when it is the owner's turn. */
  async run<Result>(owner: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#isTaken) {
      await new Promise<void>((resolve) => {
        const own = this.#waiting.get(owner);
        if (own) own.push(resolve);
        else this.#waiting.set(owner, [resolve]);
      });
    }
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  #pass(): void {
    for (const [owner, own] of this.#waiting) {
      this.#waiting.delete(owner);
      const begin = own.shift();
      if (own.length) this.#waiting.set(owner, own);
      // The turn goes over to it.
      begin?.();
      return;
    }
    this.#isTaken = false;
  }
}
