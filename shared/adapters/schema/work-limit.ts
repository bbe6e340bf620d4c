// A limit to the time one validation takes. Schemas and payloads are strangers' to each other and to us: `$ref`
// can make the work exponential, `uniqueItems` quadratic. ajv's generated code is given a check wherever it
// repeats: at the entry of each function and in each loop. Matching a pattern cannot be interrupted: it is begun only
// when it cannot take too many steps.

import type { LinearPattern } from './linear-pattern';

/** What the generated code calls; throws once the time is up. */
export class WorkLimit {
  readonly #limitMs: number;
  #deadlineMs = 0;
  #untilLook = 0;

  /** @param maxMatchSteps of one match of a pattern */
  constructor(
    limitMs: number,
    private readonly maxMatchSteps = Infinity,
  ) {
    this.#limitMs = limitMs;
  }

  /** Starts the time of one validation. */
  start(): void {
    this.#deadlineMs = performance.now() + this.#limitMs;
    this.#untilLook = 0;
  }

  /** @throws WorkLimitExceeded */
  readonly step = (weight: number): void => {
    // A step is a subtraction; only every so many ask the clock.
    this.#untilLook -= weight;
    if (this.#untilLook <= 0) this.look();
  };

  /** @throws WorkLimitExceeded */
  look(): void {
    if (performance.now() > this.#deadlineMs) throw new WorkLimitExceeded();
    this.#untilLook = stepsPerLook;
  }

  /** Whether a text matches. @throws WorkLimitExceeded */
  match(pattern: LinearPattern, text: string): boolean {
    this.look();
    if (text.length * pattern.stepsPerCharacter > this.maxMatchSteps) throw new WorkLimitExceeded();
    return pattern.test(text);
  }
}

export class WorkLimitExceeded extends Error {
  constructor() {
    super('the validation takes too long');
    this.name = 'WorkLimitExceeded';
  }
}

const stepsPerLook = 1_000;
/** Characters of generated code that count as one step. */
const charactersPerStep = 200;

/**
 * Adds the checks to a function that ajv has generated, which finds its Ajv instance as `self`. Texts inside it
 * are skipped: they may hold anything.
 */
export function limitWork(code: string): string {
  const weight = Math.max(1, Math.ceil(code.length / charactersPerStep));
  const limited = code.replace(
    /"(?:[^"\\]|\\.)*"|\bfor\s*\([^"{]*\{|\breturn function validate\d+\([^)]*\)\{/g,
    (found) => (found.startsWith('"') ? found : `${found}limitStep(${weight});`),
  );
  return `const limitStep = self.limitStep;${limited}`;
}
