// `from` of search and ack: an ISO-8601 instant with an offset. Equal instants are one cursor, whatever their
// offset, so the canonical form is nanoseconds since the epoch.

const instantPattern =
  /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))?([Zz]|[+-]\d{2}:?\d{2})$/;

export interface Instant {
  /** Nanoseconds since the epoch, decimal. */
  readonly canonical: string;
  /** The first whole millisecond not before the instant. */
  readonly fromMs: number;
}

/** Undefined when the text is not an instant: a date without an offset names none. */
export function parseInstant(text: string): Instant | undefined {
  const match = instantPattern.exec(text);
  if (!match) return undefined;
  const [, date = '', time = '', fraction = '', offset = 'Z'] = match;
  const zone = offset.toUpperCase() === 'Z' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(-2)}`;
  const wholeMs = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}${zone}`);
  if (Number.isNaN(wholeMs) || !isCalendarDate(date)) return undefined;
  const nanos = BigInt(wholeMs) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  const millis = nanos / 1_000_000n;
  return {
    canonical: String(nanos),
    fromMs: Number(nanos % 1_000_000n > 0n ? millis + 1n : millis),
  };
}

/** Date.parse() takes 30 February for 2 March. */
function isCalendarDate(date: string): boolean {
  return new Date(Date.parse(`${date}T00:00:00Z`)).toISOString().startsWith(date);
}
