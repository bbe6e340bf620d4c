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

/** Server time at which a message ends. Unit: ms. */
export function messageEndMs(storedAtMs: number, className: string, lifeMs: number | undefined): number {
  return storedAtMs + (lifeMs ?? spanOf(className));
}
