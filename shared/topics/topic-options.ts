// What an owner may choose for a topic besides its tags.

import { invalidParameter } from '../broker-error';

/** What a new version must keep to. */
export type CompatibilityMode =
  'NONE' | 'BACKWARD' | 'FORWARD' | 'FULL' | 'BACKWARD_TRANSITIVE' | 'FORWARD_TRANSITIVE' | 'FULL_TRANSITIVE';

export interface TopicOptions {
  /** NONE until owners can choose: nothing compares versions yet. */
  readonly compatibility: CompatibilityMode;
  /** Name of the class after whose span messages of the topic expire; absent: the broker's default. */
  readonly retentionClass: string | undefined;
}

/** What a caller wants changed: a member that is absent stays as it is. */
export interface OptionRequest {
  /** Empty: the broker's default again. */
  readonly retentionClass?: string | undefined;
}

/**
 * @param retentionClasses the names that are configured
 * @throws BrokerError `invalid-parameters`
 */
export function readOptions(
  { retentionClass }: OptionRequest,
  retentionClasses: readonly string[],
): Partial<TopicOptions> {
  if (retentionClass === undefined) return {};
  if (retentionClass !== '' && !retentionClasses.includes(retentionClass)) {
    throw invalidParameter('retentionClass', `must be one of ${retentionClasses.join(', ')}`);
  }
  return { retentionClass: retentionClass === '' ? undefined : retentionClass };
}
