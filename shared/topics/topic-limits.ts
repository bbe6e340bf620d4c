// How many topics and versions there may be: one owner's many must not slow down the listings and caches of all.

import { BrokerError } from '../broker-error';

export interface TopicLimits {
  /** Live ones. */
  readonly topicsPerOwner: number;
  /** Deleted ones too: their numbers stay taken. */
  readonly versionsPerTopic: number;
}

/** @throws BrokerError `limit-reached` unless there is room for one more */
export function requireRoom(count: number, most: number, what: 'topics' | 'versions'): void {
  if (count < most) return;
  throw new BrokerError(
    'limit-reached',
    `There may be at most ${most} ${what}; remove some, or ask the operator.`,
  );
}
