// Counts what is still running, so that a stop can wait for it.

export interface WorkCounter {
  readonly begin: () => void;
  readonly end: () => void;
  /** Settles when nothing runs, true, or after that many milliseconds, false. */
  readonly idle: (withinMilliseconds: number) => Promise<boolean>;
}

export function createWorkCounter(): WorkCounter {
  let running = 0;
  const waiting = new Set<() => void>();
  return {
    begin: () => {
      running += 1;
    },
    end: () => {
      running -= 1;
      if (running === 0) for (const resolve of waiting) resolve();
    },
    idle: (withinMilliseconds) =>
      new Promise((resolve) => {
        if (running === 0) {
          resolve(true);
          return;
        }
        const settle = (idle: boolean) => {
          clearTimeout(timeout);
          waiting.delete(onIdle);
          resolve(idle);
        };
        const onIdle = () => settle(true);
        const timeout = setTimeout(() => settle(false), withinMilliseconds);
        waiting.add(onIdle);
      }),
  };
}
