// When a message ends: its time stamp plus its own life, or else the span of its retention class.

import { parseRetentionClass } from './retention-class';

const spans = new Map<string, number>();

/** Span of a class by its name, also of one that is no longer configured. Unit: ms. */
function spanOf(className: string): number {
  let span = spans.get(className);
  if (span === undefined) {
    span = parseRetentionClass(className).spanMs;
    // Names come from our own subjects, so there are only a few.
    spans.set(className, span);
  }
  return span;
}

export interface MessageLife {
  /** The message is not returned from then on. Server time, ms. */
  readonly endsAtMs: number;
  /** The timer looks after it: the end of its class. Server time, ms. */
  readonly dueAtMs: number;
}

/** @param lifeMs its own life where it has one; a class is chosen such that it is not shorter */
export function messageLife(storedAtMs: number, className: string, lifeMs: number | undefined): MessageLife {
  const dueAtMs = storedAtMs + spanOf(className);
  return { endsAtMs: lifeMs === undefined ? dueAtMs : Math.min(dueAtMs, storedAtMs + lifeMs), dueAtMs };
}
