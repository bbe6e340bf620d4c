// Retention classes: named spans after which messages expire. The name is the span and stands in subjects, so
// its alphabet is fixed.

import { invalidParameter } from '../broker-error';

export interface RetentionClass {
  /** A whole number and `s`, `m`, `h` or `d`, e.g. `24h`. */
  readonly name: string;
  readonly spanMs: number;
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The server counts nanoseconds in 64 bits, which are 292 years; nobody waits for so long. */
const longestSpanMs = 3_650 * unitMs.d;

/** The span of one class. @throws Error with a sentence when the text is not one */
export function parseRetentionClass(name: string): RetentionClass {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(name);
  if (!match) throw new Error(`RETENTION_CLASSES: "${name}" is not a span such as 10s, 1h or 30d`);
  const spanMs = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  if (spanMs > longestSpanMs) throw new Error(`RETENTION_CLASSES: "${name}" is longer than ten years`);
  return { name, spanMs };
}

/** A comma-separated list, ascending and without repeats. @throws Error with a sentence */
export function parseRetentionClasses(text: string): readonly RetentionClass[] {
  const classes = text.split(',').map(parseRetentionClass);
  classes.forEach((current, index) => {
    const previous = classes[index - 1];
    if (previous && previous.spanMs >= current.spanMs) {
      throw new Error('RETENTION_CLASSES must ascend, without equal spans');
    }
  });
  return classes;
}

/** How long a message is kept: its class, and its own life where the sender asked for a shorter one. */
export interface Retention {
  readonly retentionClass: string;
  /** Absent: the span of the class. Unit: ms. */
  readonly lifeMs?: number;
}

/** The configured classes, and what they make of a topic's choice and a sender's wish. */
export class RetentionPolicy {
  /**
   * @param classes ascending, not empty
   * @param defaultClass of a message whose topic and sender name none
   */
  constructor(
    private readonly classes: readonly RetentionClass[],
    private readonly defaultClass: RetentionClass,
  ) {}

  /** Longest life that a sender may ask for. Unit: s. */
  get longestSeconds(): number {
    return (this.classes.at(-1) ?? this.defaultClass).spanMs / 1_000;
  }

  /**
   * A life rounds up to a class, in whose order the timer works; the message itself ends when its life is over. A
   * topic's class that is no longer configured gives way to the default one.
   * @throws BrokerError `invalid-parameters` for a life that no class is long enough for
   */
  of(topicClass: string | undefined, ttlSeconds: number | undefined): Retention {
    if (ttlSeconds === undefined) {
      const chosen = this.classes.find(({ name }) => name === topicClass) ?? this.defaultClass;
      return { retentionClass: chosen.name };
    }
    const lifeMs = ttlSeconds * 1_000;
    const fitting = this.classes.find(({ spanMs }) => spanMs >= lifeMs);
    if (!fitting) throw invalidParameter('ttlSeconds', `must be at most ${this.longestSeconds}`);
    return fitting.spanMs === lifeMs
      ? { retentionClass: fitting.name }
      : { retentionClass: fitting.name, lifeMs };
  }
}
