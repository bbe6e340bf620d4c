// Retention classes: named spans after which messages expire. The name is the span and stands in subjects, so
// its alphabet is fixed.

export interface RetentionClass {
  /** A whole number and `s`, `m`, `h` or `d`, e.g. `24h`. */
  readonly name: string;
  readonly spanMs: number;
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The span of one class. @throws Error with a sentence when the text is not one */
export function parseRetentionClass(name: string): RetentionClass {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(name);
  if (!match) throw new Error(`RETENTION_CLASSES: "${name}" is not a span such as 10s, 1h or 30d`);
  return { name, spanMs: Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] };
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

/** The class a life in seconds rounds up to; the longest one when none is long enough. */
export function classForLife(classes: readonly RetentionClass[], lifeMs: number): RetentionClass {
  const fitting = classes.find((candidate) => candidate.spanMs >= lifeMs) ?? classes.at(-1);
  if (!fitting) throw new Error('RETENTION_CLASSES is empty');
  return fitting;
}
